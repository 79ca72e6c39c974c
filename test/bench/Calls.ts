/**
 * What it asks of EC2 and of the API server: on the way up, and at rest.
 * Rule: counted from the pretended worlds' own books; refused requests count like all others.
 */
import { Effect } from "effect"
import { atMost, type Bench, exactly, type Measurement } from "./Measurement.ts"
import * as VirtualWorld from "./VirtualWorld.ts"

const count = 200
const rulesPerNode = 10
/** "A filter takes at most 200 values": instances are described in batches of so many. */
const batches = Math.ceil(count / 200)

type Counts = ReadonlyMap<string, number>

const isDescribe = (action: string): boolean => action.startsWith("Describe")

export interface Books {
  /** By action. */
  readonly ec2: Counts
  /** By kind, verb and subresource. */
  readonly kubernetes: Counts
}

export const booksOf = (world: VirtualWorld.VirtualWorld): Books => {
  const ec2 = new Map<string, number>()
  for (const [action, outcomes] of world.ec2.calls()) {
    ec2.set(
      action,
      [...outcomes.values()].reduce((a, b) => a + b, 0)
    )
  }
  const kubernetes = new Map<string, number>()
  for (const { kind, subresource, verb } of world.cluster.writes) {
    const name = `${verb} ${kind}${subresource === undefined ? "" : `/${subresource}`}`
    kubernetes.set(name, (kubernetes.get(name) ?? 0) + 1)
  }
  return { ec2, kubernetes }
}

const since = (after: Counts, before: Counts): Counts =>
  new Map(
    [...after].flatMap(([key, n]) => {
      const more = n - (before.get(key) ?? 0)
      return more === 0 ? [] : [[key, more] as const]
    })
  )

export const total = (counts: Counts, isWanted: (key: string) => boolean = () => true): number =>
  [...counts].reduce((sum, [key, n]) => (isWanted(key) ? sum + n : sum), 0)

/** What was asked while `during` went on. */
const asked = Effect.fnUntraced(function* <E>(
  world: VirtualWorld.VirtualWorld,
  during: Effect.Effect<unknown, E>
) {
  const before = booksOf(world)
  yield* during
  const after = booksOf(world)
  return { ec2: since(after.ec2, before.ec2), kubernetes: since(after.kubernetes, before.kubernetes) }
})

/** From the start of the operator to the last address. */
export const addresses = (nodes: number): Promise<Books> =>
  VirtualWorld.run({}, (world) =>
    Effect.gen(function* () {
      yield* world.join(1, nodes)
      yield* world.settled()
      return booksOf(world)
    })
  )

/** From the start of the operator to the last rule, on nodes with a public address of their own. */
export const rules = (nodes: number, perNode: number, directions: ReadonlyArray<string>): Promise<Books> =>
  VirtualWorld.run({}, (world) =>
    Effect.gen(function* () {
      yield* world.join(1, nodes, false)
      yield* Effect.forEach(Array.from({ length: nodes * perNode }), (_, i) =>
        world.openPort(`rule-${i}`, {
          nodeName: VirtualWorld.nodeName(1 + Math.floor(i / perNode)),
          fromPort: 8_000 + (i % perNode),
          direction: directions[i % directions.length]
        })
      )
      yield* world.settled()
      return booksOf(world)
    })
  )

/** An hour in which nobody wants anything, after everything was served. */
export const atRest = (nodes: number, perNode: number): Promise<Books & { readonly sweeps: number }> =>
  VirtualWorld.run({}, (world) =>
    Effect.gen(function* () {
      yield* world.join(1, nodes)
      yield* Effect.forEach(Array.from({ length: nodes * perNode }), (_, i) =>
        world.openPort(`rule-${i}`, {
          nodeName: VirtualWorld.nodeName(1 + Math.floor(i / perNode)),
          fromPort: 8_000 + (i % perNode)
        })
      )
      yield* world.settled()
      // What was written is confirmed by the first sweep after the visibility window.
      yield* Effect.sleep("10 minutes")
      const books = yield* asked(world, Effect.sleep("1 hour"))
      // One DescribeAddresses each.
      return { ...books, sweeps: books.ec2.get("DescribeAddresses") ?? 0 }
    })
  )

const perThing = (counts: Counts, things: number, thing: string): ReadonlyArray<Measurement> =>
  [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, n]) => ({ metric: `${key} per ${thing}`, unit: "", value: n / things }))

const mutating = (books: Books): number => total(books.ec2, (action) => !isDescribe(action))
const describes = (books: Books): number => total(books.ec2, isDescribe)

export const bench: Bench = {
  name: "calls",
  summary: "requests to EC2 and writes to Kubernetes, on the way up and at rest",
  run: async (say) => {
    say(`addresses for ${count} nodes`)
    const up = await addresses(count)
    say(`rules for ${count} nodes`)
    const ingress = await rules(count, rulesPerNode, ["Ingress"])
    const both = await rules(count, rulesPerNode, ["Ingress", "Egress"])
    say("an hour at rest")
    const rest = await atRest(count, 1)
    const groupWrites = ingress.ec2.get("ModifyNetworkInterfaceAttribute") ?? 0
    return [
      {
        metric: `addresses for ${count} nodes: EC2 mutating calls per node`,
        unit: "",
        value: mutating(up) / count,
        target: exactly(2)
      },
      {
        metric: `addresses for ${count} nodes: describes of the whole run`,
        unit: "",
        value: describes(up),
        target: atMost(2 + 2 * batches)
      },
      ...perThing(up.kubernetes, count, "node"),
      {
        metric: `${rulesPerNode} rules on each of ${count} nodes: EC2 mutating calls per node`,
        unit: "",
        value: mutating(ingress) / count,
        target: atMost(4)
      },
      {
        metric: `${rulesPerNode} rules on each, egress too: EC2 mutating calls per node`,
        unit: "",
        value: mutating(both) / count,
        target: atMost(5)
      },
      {
        metric: `${rulesPerNode} rules on each: describes of the whole run, ${groupWrites} writes of group lists`,
        unit: "",
        value: describes(ingress),
        target: atMost(2 + 2 * batches + 2 * groupWrites)
      },
      ...perThing(ingress.ec2, count * rulesPerNode, "rule"),
      ...perThing(ingress.kubernetes, count * rulesPerNode, "rule"),
      {
        metric: `at rest, ${count} nodes with an address and a rule: EC2 calls per sweep`,
        unit: "",
        value: total(rest.ec2) / rest.sweeps,
        target: atMost(2 + batches)
      },
      { metric: "at rest: EC2 calls per hour", unit: "", value: total(rest.ec2) },
      { metric: "at rest: EC2 mutating calls", unit: "", value: mutating(rest), target: exactly(0) },
      { metric: "at rest: Kubernetes writes", unit: "", value: total(rest.kubernetes), target: exactly(0) }
    ]
  }
}
