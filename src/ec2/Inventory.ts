/**
 * EC2 in memory: to EC2 what an informer is to Kubernetes.
 * Rule: everything is read from here; sweeps, look-ups and the replies of our own writes keep it true, and every
 * difference that decides something is told once.
 */
import { Clock, Context, Duration, Effect, Exit, Layer, Metric, Request, RequestResolver } from "effect"
import * as Metrics from "../domain/Metrics.ts"
import { Tag } from "../domain/Names.ts"
import * as Permission from "../domain/Permission.ts"
import { type Address, Ec2, type Instance, type NetworkInterface, type SecurityGroup } from "./Ec2.ts"
import type { Ec2Error } from "./Ec2Error.ts"
import * as Instances from "./Instances.ts"
import * as Trust from "./Trust.ts"

export { visibilityWindow } from "./Trust.ts"

export type AddressRecord = Address & Trust.Trust

/** A security group with its rules expanded, one per source, both directions together. */
export interface Group {
  readonly groupId: string
  readonly name: string
  readonly vpcId: string
  readonly tags: Readonly<Record<string, string>>
  readonly permissions: ReadonlyArray<Permission.Permission>
}
export type GroupRecord = Group & Trust.Trust

export type InstanceSighting = Instances.Sighting

export type InventoryChange =
  | {
      readonly _tag: "Address"
      readonly before: AddressRecord | undefined
      readonly after: AddressRecord | undefined
    }
  | {
      readonly _tag: "Group"
      readonly before: GroupRecord | undefined
      readonly after: GroupRecord | undefined
    }
  | { readonly _tag: "Instance"; readonly instanceId: string }

type Read<A> = Effect.Effect<A, Ec2Error>

/**
 * Who asks for a read: told along with the changes it brings, so that an asker is not woken by its own reading.
 * What it is, is the listener's business.
 */
export const Asker = Context.Reference<unknown>("kubestatic/ec2/Asker", { defaultValue: () => undefined })

export class Inventory extends Context.Service<
  Inventory,
  {
    // From memory.
    readonly address: (allocationId: string) => AddressRecord | undefined
    /** Tagged for that ExternalIP with our cluster id, or one that is adopted. */
    readonly addressesOf: (externalIPName: string) => ReadonlyArray<AddressRecord>
    readonly addressesOn: (instanceId: string) => ReadonlyArray<AddressRecord>
    readonly addresses: () => Iterable<AddressRecord>
    /** Released by this process: no read is needed to know that it is gone. */
    readonly isReleased: (allocationId: string) => boolean
    readonly group: (groupId: string) => GroupRecord | undefined
    /** Tagged for that node with our cluster id, or one that is adopted. */
    readonly groupsOf: (nodeName: string) => ReadonlyArray<GroupRecord>
    readonly groups: () => Iterable<GroupRecord>
    readonly instance: (instanceId: string) => InstanceSighting

    // One request each, or a share of a batch; what is seen is in memory afterwards.
    /** Addresses and groups by our tags, instances by id in batches. */
    readonly sweep: (instanceIds: Iterable<string>) => Read<void>
    readonly readAddressesOf: (externalIPName: string) => Read<ReadonlyArray<AddressRecord>>
    /** By allocation id, whatever its tags. */
    readonly readAddress: (allocationId: string) => Read<AddressRecord | undefined>
    /** By group id, whatever its tags; batched. */
    readonly readGroup: (groupId: string) => Read<GroupRecord | undefined>
    readonly readGroupNamed: (name: string, vpcId: string) => Read<GroupRecord | undefined>
    /** Batched: up to 200 ids in one call, waiting up to 100 ms for more. */
    readonly lookUpInstance: (instanceId: string) => Read<InstanceSighting>
    readonly readInterface: (networkInterfaceId: string) => Read<NetworkInterface | undefined>
    readonly readInterfacesOfGroup: (groupId: string) => Read<ReadonlyArray<NetworkInterface>>

    // Write-through of the replies of our own writes; synchronous.
    readonly wroteAddress: (address: Address) => void
    readonly releasedAddress: (allocationId: string) => void
    readonly wroteGroup: (group: Group) => void
    readonly deletedGroup: (groupId: string) => void
    readonly wroteInterface: (networkInterface: NetworkInterface) => void
    /** The outcome of a write is not known: a later read decides. */
    readonly doubtAddress: (allocationId: string) => void
    readonly doubtGroup: (groupId: string) => void
    readonly doubtInstance: (instanceId: string) => void

    readonly onChange: (listener: (change: InventoryChange, asker: unknown) => void) => void
  }
>()("kubestatic/ec2/Inventory") {}

/** "AWS: DescribeInstances, a filter takes at most 200 values". */
export const batchSize = 200
/** Long enough for a burst of nodes to share a call, short beside one call's own time. */
const batchWindow = Duration.millis(100)

export interface Options {
  /** Our own first, then those that are adopted. */
  readonly clusterIds: readonly [string, ...ReadonlyArray<string>]
}

const toGroup = (group: SecurityGroup): Group => ({
  groupId: group.groupId,
  name: group.name,
  vpcId: group.vpcId,
  tags: group.tags,
  permissions: [...Permission.expand("Ingress", group.ingress), ...Permission.expand("Egress", group.egress)]
})

const isSameTags = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean => {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((k) => a[k] === b[k])
}

const isSameAddress = (a: Address, b: Address): boolean =>
  a.publicIp === b.publicIp &&
  a.association?.associationId === b.association?.associationId &&
  a.association?.networkInterfaceId === b.association?.networkInterfaceId &&
  a.association?.instanceId === b.association?.instanceId &&
  isSameTags(a.tags, b.tags)

const described = (p: Permission.Permission): string => `${Permission.key(p)}|${p.description}`

const isSameGroup = (a: Group, b: Group): boolean => {
  if (a.vpcId !== b.vpcId || a.permissions.length !== b.permissions.length || !isSameTags(a.tags, b.tags)) return false
  const left = new Set(a.permissions.map(described))
  return b.permissions.every((p) => left.has(described(p)))
}

/** A row of a batch, and when the describe that shows it began. */
interface Row<A> {
  readonly value: A | undefined
  readonly began: number
}

class GroupById extends Request.Class<{ readonly groupId: string }, Row<Group>, Ec2Error> {}
class InstanceById extends Request.Class<{ readonly instanceId: string }, Row<Instance>, Ec2Error> {}

const make = Effect.fnUntraced(function* ({ clusterIds }: Options) {
  const ec2 = yield* Ec2
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const now = () => clock.currentTimeMillisUnsafe()
  const ours = new Set<string>(clusterIds)
  const listeners: Array<(change: InventoryChange, asker: unknown) => void> = []
  let hasSwept = false
  let asking: unknown

  const tell = (change: InventoryChange) => {
    for (const listener of listeners) listener(change, asking)
  }
  /** Puts what a read showed into the mirrors, in the asker's name. */
  const taking = (take: () => void) =>
    Effect.map(Asker, (asker) => {
      asking = asker
      try {
        take()
      } finally {
        asking = undefined
      }
    })
  const drifted = (kind: "address" | "group" | "interface") => {
    if (hasSwept) Effect.runSyncWith(context)(Metric.update(Metric.withAttributes(Metrics.driftRepaired, { kind }), 1))
  }

  // Look-ups by name and by instance, kept beside the mirrors.
  const byName = new Map<string, Set<string>>()
  const byInstance = new Map<string, Set<string>>()
  const byNode = new Map<string, Set<string>>()
  const index = (map: Map<string, Set<string>>, before: string | undefined, after: string | undefined, id: string) => {
    if (before === after) return
    if (before !== undefined) {
      const ids = map.get(before)
      ids?.delete(id)
      if (ids?.size === 0) map.delete(before)
    }
    if (after !== undefined) map.set(after, (map.get(after) ?? new Set()).add(id))
  }
  const tagOf = (tags: Readonly<Record<string, string>> | undefined, key: string): string | undefined =>
    tags !== undefined && ours.has(tags[Tag.clusterId] ?? "") ? tags[key] : undefined

  const addresses = Trust.make<Address>({
    id: (a) => a.allocationId,
    isSame: isSameAddress,
    isCovered: (a) => ours.has(a.tags[Tag.clusterId] ?? ""),
    onChange: ({ after, before }, isForeign) => {
      const id = (after ?? before)?.allocationId ?? ""
      index(byName, tagOf(before?.tags, Tag.externalIPName), tagOf(after?.tags, Tag.externalIPName), id)
      index(byInstance, before?.association?.instanceId, after?.association?.instanceId, id)
      if (isForeign) drifted("address")
      tell({ _tag: "Address", before, after })
    }
  })
  const groups = Trust.make<Group>({
    id: (g) => g.groupId,
    isSame: isSameGroup,
    isCovered: (g) => ours.has(g.tags[Tag.clusterId] ?? ""),
    onChange: ({ after, before }, isForeign) => {
      const id = (after ?? before)?.groupId ?? ""
      index(byNode, tagOf(before?.tags, Tag.nodeName), tagOf(after?.tags, Tag.nodeName), id)
      if (isForeign) drifted("group")
      tell({ _tag: "Group", before, after })
    }
  })
  const instances = Instances.make({
    onChange: (instanceId, isForeign) => {
      if (isForeign) drifted("interface")
      tell({ _tag: "Instance", instanceId })
    }
  })

  const resolve = <A>(ids: Set<string> | undefined, get: (id: string) => A | undefined): ReadonlyArray<A> => {
    if (ids === undefined) return []
    const found: Array<A> = []
    for (const id of [...ids].toSorted()) {
      const value = get(id)
      if (value !== undefined) found.push(value)
    }
    return found
  }

  const inClusters = { [`${Tag.clusterId}`]: clusterIds }

  const describeInstances = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    const began = now()
    const seen = yield* ec2.describeInstances(ids)
    return { began, byId: new Map(seen.map((i) => [i.instanceId, i])) }
  })
  const describeGroups = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    const began = now()
    const seen = yield* ec2.describeSecurityGroups({ groupIds: ids })
    return { began, byId: new Map(seen.map((g) => [g.groupId, toGroup(g)])) }
  })

  /** Describes many by id in one call, and answers each asker. */
  const batched = <R extends Request.Request<Row<A>, Ec2Error>, A>(
    idOf: (request: R) => string,
    describe: (
      ids: ReadonlyArray<string>
    ) => Effect.Effect<{ readonly began: number; readonly byId: ReadonlyMap<string, A> }, Ec2Error>
  ) =>
    RequestResolver.make<R>(
      Effect.fnUntraced(function* (entries) {
        const ids = [...new Set(entries.map((e) => idOf(e.request)))]
        const exit = yield* Effect.exit(describe(ids))
        for (const entry of entries) {
          const answer = Exit.map(exit, ({ began, byId }): Row<A> => ({ began, value: byId.get(idOf(entry.request)) }))
          // R is a request for a Row<A>: the compiler does not see through the conditional type.
          entry.completeUnsafe(answer as never)
        }
      })
    ).pipe(RequestResolver.setDelay(batchWindow), RequestResolver.batchN(batchSize))

  const instanceResolver = batched<InstanceById, Instance>((r) => r.instanceId, describeInstances)
  const groupResolver = batched<GroupById, Group>((r) => r.groupId, describeGroups)

  const chunks = (ids: Iterable<string>): ReadonlyArray<ReadonlyArray<string>> => {
    const all = [...ids]
    return Array.from({ length: Math.ceil(all.length / batchSize) }, (_, i) =>
      all.slice(i * batchSize, (i + 1) * batchSize)
    )
  }

  /** An address tells its interface always and its instance not always. */
  const placed = (address: Address): Address => {
    const { association } = address
    if (association === undefined || association.instanceId !== undefined) return address
    const instanceId = instances.carrierOf(association.networkInterfaceId)
    return { ...address, association: { ...association, instanceId } }
  }

  const sweep = Effect.fn("Inventory.sweep")(function* (instanceIds: Iterable<string>) {
    const asked = [...instanceIds]
    const sweepBegan = now()
    const [seenAddresses, seenGroups] = yield* Effect.all(
      [
        ec2.describeAddresses({ tags: inClusters }),
        ec2.describeSecurityGroups({ tags: inClusters }),
        Effect.forEach(
          chunks(asked),
          (ids) =>
            Effect.map(describeInstances(ids), ({ began, byId }) => {
              for (const id of ids) instances.saw(id, byId.get(id), began, now())
            }),
          { concurrency: "unbounded", discard: true }
        )
      ],
      { concurrency: "unbounded" }
    )
    // Instances first: they say whose interface an address is on.
    addresses.sawAll(seenAddresses.map(placed), sweepBegan, now())
    groups.sawAll(seenGroups.map(toGroup), sweepBegan, now())
    instances.keepOnly(new Set(asked), sweepBegan)
    hasSwept = true
  })

  const sawInterface = (seen: NetworkInterface, began: number) => instances.sawInterface(seen, began, now())

  return Inventory.of({
    address: addresses.get,
    addressesOf: (name) => resolve(byName.get(name), addresses.get),
    addressesOn: (instanceId) =>
      resolve(byInstance.get(instanceId), addresses.get).filter((a) => ours.has(a.tags[Tag.clusterId] ?? "")),
    addresses: addresses.values,
    isReleased: addresses.isDeleted,
    group: groups.get,
    groupsOf: (nodeName) => resolve(byNode.get(nodeName), groups.get),
    groups: groups.values,
    instance: instances.get,
    sweep,
    readAddressesOf: Effect.fn("Inventory.readAddressesOf")(function* (name: string) {
      const began = now()
      const seen = yield* ec2.describeAddresses({ tags: { ...inClusters, [Tag.externalIPName]: [name] } })
      yield* taking(() => {
        for (const address of seen) addresses.saw(address.allocationId, placed(address), began, now())
      })
      return resolve(byName.get(name), addresses.get)
    }),
    readAddress: Effect.fn("Inventory.readAddress")(function* (allocationId: string) {
      const began = now()
      const seen = yield* ec2.describeAddresses({ allocationIds: [allocationId] })
      const [found] = seen.filter((a) => a.allocationId === allocationId).map(placed)
      yield* taking(() => addresses.saw(allocationId, found, began, now()))
      return addresses.get(allocationId)
    }),
    readGroup: Effect.fn("Inventory.readGroup")(function* (groupId: string) {
      const { began, value } = yield* Effect.request(new GroupById({ groupId }), groupResolver)
      yield* taking(() => groups.saw(groupId, value, began, now()))
      return groups.get(groupId)
    }),
    readGroupNamed: Effect.fn("Inventory.readGroupNamed")(function* (name: string, vpcId: string) {
      const began = now()
      const [seen] = yield* ec2.describeSecurityGroups({ names: [name], vpcIds: [vpcId] })
      if (seen === undefined) return undefined
      yield* taking(() => groups.saw(seen.groupId, toGroup(seen), began, now()))
      return groups.get(seen.groupId)
    }),
    lookUpInstance: Effect.fn("Inventory.lookUpInstance")(function* (instanceId: string) {
      const { began, value } = yield* Effect.request(new InstanceById({ instanceId }), instanceResolver)
      yield* taking(() => instances.saw(instanceId, value, began, now()))
      return instances.get(instanceId)
    }),
    readInterface: Effect.fn("Inventory.readInterface")(function* (networkInterfaceId: string) {
      const began = now()
      const [seen] = yield* ec2.describeNetworkInterfaces({ networkInterfaceIds: [networkInterfaceId] })
      if (seen !== undefined) yield* taking(() => sawInterface(seen, began))
      return seen
    }),
    readInterfacesOfGroup: Effect.fn("Inventory.readInterfacesOfGroup")(function* (groupId: string) {
      const began = now()
      const seen = yield* ec2.describeNetworkInterfaces({ groupIds: [groupId] })
      yield* taking(() => {
        for (const one of seen) sawInterface(one, began)
      })
      return seen
    }),
    wroteAddress: (address) => {
      const before = addresses.get(address.allocationId)
      const left = before?.association?.networkInterfaceId
      const held = address.association?.networkInterfaceId
      if (left !== undefined && left !== held) instances.wrotePublicIp(left, undefined, now())
      // Elastic IPs show their account as the owner; ours is not known here, and "ours" is all that matters.
      if (held !== undefined) instances.wrotePublicIp(held, { address: address.publicIp, owner: "self" }, now())
      addresses.wrote(plain(address), now())
    },
    releasedAddress: (allocationId) => addresses.deleted(allocationId, now()),
    wroteGroup: ({ groupId, name, permissions, tags, vpcId }) =>
      groups.wrote({ groupId, name, vpcId, tags, permissions }, now()),
    deletedGroup: (groupId) => groups.deleted(groupId, now()),
    wroteInterface: (networkInterface) => instances.wroteInterface(networkInterface, now()),
    doubtAddress: (allocationId) => addresses.doubt(allocationId, now()),
    doubtGroup: (groupId) => groups.doubt(groupId, now()),
    doubtInstance: (instanceId) => instances.doubt(instanceId),
    onChange: (listener) => {
      listeners.push(listener)
    }
  })
})

/** Without the trust of the record it may have been made from. */
const plain = ({ allocationId, association, publicIp, tags }: Address): Address => ({
  allocationId,
  publicIp,
  tags,
  association
})

export const layer = (options: Options): Layer.Layer<Inventory, never, Ec2> =>
  Layer.effect(Inventory, make(options))
