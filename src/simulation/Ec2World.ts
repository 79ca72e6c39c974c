/**
 * The simulated EC2 as tests, scenarios and displays see it: the true state, what was asked, and its controls.
 * Rule: reading is synchronous and free; what it shows is true now, whatever describes show.
 */
import { Context, Effect } from "effect"
import type { Tags } from "../domain/Names.ts"
import type { Permission } from "../domain/Permission.ts"
import type { Address, Instance, NetworkInterface } from "../ec2/Ec2.ts"
import * as Draw from "./Draw.ts"
import * as Conditions from "./Ec2Conditions.ts"
import * as Describe from "./Ec2Describe.ts"
import * as Hand from "./Ec2Hand.ts"
import * as Journal from "./Ec2Journal.ts"
import * as Requests from "./Ec2Requests.ts"
import * as State from "./Ec2State.ts"

export interface Options {
  readonly seed?: string | number
  /** What differs from `Ec2Conditions.defaults`. */
  readonly conditions?: Conditions.ConditionsChange
  /**
   * For a real cluster, whose nodes nobody launches here: an unknown instance is taken to exist, and ids follow from
   * what they are for, so they are the same after a restart.
   */
  readonly derive?: boolean
  /** How many journal entries are kept at least. */
  readonly journalLimit?: number
}

/** A security group with its rules one by one, both directions together. */
export interface Group {
  readonly groupId: string
  readonly name: string
  readonly vpcId: string
  readonly tags: Tags
  readonly permissions: ReadonlyArray<Permission>
}

export class Ec2World extends Context.Service<
  Ec2World,
  {
    readonly addresses: () => ReadonlyArray<Address>
    readonly groups: () => ReadonlyArray<Group>
    readonly instances: () => ReadonlyArray<Instance>
    readonly interfaces: () => ReadonlyArray<NetworkInterface>
    readonly address: (allocationId: string) => Address | undefined
    readonly group: (groupId: string) => Group | undefined
    readonly instance: (instanceId: string) => Instance | undefined
    readonly networkInterface: (networkInterfaceId: string) => NetworkInterface | undefined

    /** Requests through the service by EC2 action, then by outcome ("OK" or the code). */
    readonly calls: () => Journal.Counts
    /** Oldest first. */
    readonly journal: () => ReadonlyArray<Journal.Entry>
    /** Called with each entry after the state has changed; for as long as the world lives. */
    readonly onEntry: (listener: (entry: Journal.Entry) => void) => void
    /** How full each request bucket is at `at` (epoch milliseconds). */
    readonly fullness: (at: number) => ReadonlyArray<Requests.Fullness>

    readonly conditions: () => Conditions.Conditions
    readonly change: (change: Conditions.ConditionsChange) => Effect.Effect<void>
    readonly deny: (...actions: ReadonlyArray<string>) => Effect.Effect<void>
    readonly allow: (...actions: ReadonlyArray<string>) => Effect.Effect<void>
    /** Others in the account use up that many tokens of an action's bucket at once. */
    readonly drain: (action: string, tokens: number) => Effect.Effect<void>
    readonly hand: Hand.Hand
  }
>()("kubestatic/simulation/Ec2World") {}

const defaultJournalLimit = 100_000

/** The world, and the way into it for the service. */
export interface Parts {
  readonly world: Ec2World["Service"]
  readonly requests: Requests.Requests
}

const toGroup = ({ groupId, name, vpcId, tags, permissions }: State.GroupRecord): Group => ({
  groupId,
  name,
  vpcId,
  tags,
  permissions
})

const mapped = <A, B>(items: Iterable<A>, f: (a: A) => B): ReadonlyArray<B> => Array.from(items, f)
const optional = <A, B>(item: A | undefined, f: (a: A) => B): B | undefined =>
  item === undefined ? undefined : f(item)

export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Parts> {
  const seed = options.seed ?? "kubestatic"
  const state = State.make({
    seed,
    draw: yield* Draw.make(`${seed}/ec2`),
    isDerived: options.derive ?? false,
    conditions: Conditions.changed(Conditions.defaults, options.conditions ?? {})
  })
  const journal = Journal.make(options.journalLimit ?? defaultJournalLimit)
  const requests = Requests.make(state, journal, {
    travel: yield* Draw.make(`${seed}/ec2/travel`),
    others: yield* Draw.make(`${seed}/ec2/others`)
  })
  const toInstance = (record: State.InstanceRecord) =>
    Describe.toInstance(record, State.interfacesOf(state, record))
  const change = (by: Conditions.ConditionsChange) =>
    Effect.sync(() => {
      state.conditions = Conditions.changed(state.conditions, by)
    })

  const world = Ec2World.of({
    addresses: () => mapped(state.addresses.all(), Describe.toAddress),
    groups: () => mapped(state.groups.all(), toGroup),
    instances: () => mapped(state.instances.all(), toInstance),
    interfaces: () => mapped(state.interfaces.all(), Describe.toInterface),
    address: (id) => optional(state.addresses.get(id), Describe.toAddress),
    group: (id) => optional(state.groups.get(id), toGroup),
    instance: (id) => optional(state.instances.get(id), toInstance),
    networkInterface: (id) => optional(state.interfaces.get(id), Describe.toInterface),
    calls: journal.counts,
    journal: journal.entries,
    onEntry: journal.onEntry,
    fullness: requests.fullness,
    conditions: () => state.conditions,
    change,
    deny: (...actions) =>
      Effect.suspend(() => change({ denied: new Set([...state.conditions.denied, ...actions]) })),
    allow: (...actions) =>
      Effect.suspend(() =>
        change({ denied: new Set([...state.conditions.denied].filter((a) => !actions.includes(a))) })
      ),
    drain: requests.drain,
    hand: Hand.make(requests)
  })
  return { world, requests }
})
