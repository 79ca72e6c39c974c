/**
 * EC2 in memory: to EC2 what an informer is to Kubernetes.
 * Rule: everything is read from here; sweeps, look-ups and the replies of our own writes keep it true, and every
 * difference that decides something is told once.
 */
import { Array as Arr, Clock, Context, Effect, Layer, Metric, Semaphore } from "effect"
import * as Metrics from "../domain/Metrics.ts"
import { Tag, type Tags } from "../domain/Names.ts"
import * as ById from "./ById.ts"
import { type Address, Ec2, type NetworkInterface } from "./Ec2.ts"
import type { Ec2Error } from "./Ec2Error.ts"
import * as Group from "./Group.ts"
import * as Index from "./Index.ts"
import * as Inheritance from "./Inheritance.ts"
import * as Instances from "./Instances.ts"
import * as Trust from "./Trust.ts"

export { visibilityWindow } from "./Trust.ts"

export type AddressRecord = Address & Trust.Trust

export type GroupRecord = Group.Group & Trust.Trust

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
    /**
     * Where it is, or that it is nowhere, is what EC2 shows of an earlier process's deeds, and may have changed since. Told
     * as a change of the address when it is so no longer.
     */
    readonly isInherited: (allocationId: string) => boolean
    readonly group: (groupId: string) => GroupRecord | undefined
    /** Deleted by this process: no read is needed to know that it is gone. */
    readonly isGroupDeleted: (groupId: string) => boolean
    /** Tagged for that node with our cluster id, or one that is adopted. */
    readonly groupsOf: (nodeName: string) => ReadonlyArray<GroupRecord>
    readonly groups: () => Iterable<GroupRecord>
    readonly instance: (instanceId: string) => InstanceSighting
    /** As its instance was last seen to carry it. */
    readonly networkInterface: (networkInterfaceId: string) => NetworkInterface | undefined

    // One request each, or a share of a batch; what is seen is in memory afterwards.
    /** Addresses and groups by our tags, instances by id in batches. */
    readonly sweep: (instanceIds: Iterable<string>) => Read<void>
    readonly readAddressesOf: (externalIPName: string) => Read<ReadonlyArray<AddressRecord>>
    /** By allocation id, whatever its tags. */
    readonly readAddress: (allocationId: string) => Read<AddressRecord | undefined>
    /** By group id, whatever its tags; batched. */
    readonly readGroup: (groupId: string) => Read<GroupRecord | undefined>
    /** The same, as EC2 shows it and not as it is believed to be. */
    readonly showGroup: (groupId: string) => Read<Group.Group | undefined>
    /** All of ours, unless a read that began at `since` (epoch milliseconds) or later has shown them. */
    readonly readGroups: (since: number) => Read<void>
    /** When the last read of all groups of ours began (epoch milliseconds); 0: there was none. */
    readonly groupsReadBegan: () => number
    readonly readGroupNamed: (name: string, vpcId: string) => Read<GroupRecord | undefined>
    /** Batched: up to 200 ids in one call, waiting up to 100 ms for more. */
    readonly lookUpInstance: (instanceId: string) => Read<InstanceSighting>
    readonly readInterface: (networkInterfaceId: string) => Read<NetworkInterface | undefined>
    readonly readInterfacesOfGroup: (groupId: string) => Read<ReadonlyArray<NetworkInterface>>

    /** From now on nobody but this process writes. */
    readonly takeOver: () => void

    // Write-through of the replies of our own writes; synchronous.
    readonly wroteAddress: (address: Address) => void
    /** `address`: as it was known when it was written, for the case that it is not known any more. */
    readonly wroteAssociation: (address: Address, association: Address["association"]) => void
    readonly releasedAddress: (allocationId: string) => void
    readonly wroteGroup: (group: Group.Group) => void
    readonly deletedGroup: (groupId: string) => void
    readonly wroteInterface: (networkInterface: NetworkInterface) => void
    /** The outcome of a write is not known: a later read decides. */
    readonly doubtAddress: (allocationId: string) => void
    /** `settle`: what of the group that write can have changed. */
    readonly doubtGroup: (groupId: string, settle: Trust.Settle<Group.Group>) => void
    readonly doubtInstance: (instanceId: string) => void

    readonly onChange: (listener: (change: InventoryChange, asker: unknown) => void) => void
  }
>()("kubestatic/ec2/Inventory") {}

export interface Options {
  /** Our own first, then those that are adopted. */
  readonly clusterIds: readonly [string, ...ReadonlyArray<string>]
}

const isSameAddress = (a: Address, b: Address): boolean =>
  a.publicIp === b.publicIp &&
  a.association?.associationId === b.association?.associationId &&
  a.association?.networkInterfaceId === b.association?.networkInterfaceId &&
  a.association?.instanceId === b.association?.instanceId &&
  Group.isSameTags(a.tags, b.tags)

/** Describes of a sweep under way at a time: each answer is large, and nobody waits for them. */
const sweepConcurrency = 3

/** Without the trust of the record it may have been made from. */
const plainAddress = ({ allocationId, association, publicIp, tags }: Address): Address => ({
  allocationId,
  publicIp,
  tags,
  association
})
const plainGroup = ({ groupId, name, permissions, tags, vpcId }: Group.Group): Group.Group => ({
  groupId,
  name,
  vpcId,
  tags,
  permissions
})

const make = Effect.fnUntraced(function* ({ clusterIds }: Options) {
  const ec2 = yield* Ec2
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const now = () => clock.currentTimeMillisUnsafe()
  const listeners: Array<(change: InventoryChange, asker: unknown) => void> = []
  /** When the last sweep began. */
  let sweptFrom: number | undefined
  let groupsReadBegan = 0
  const readingGroups = yield* Semaphore.make(1)
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
  const drifted = (kind: Exclude<Metrics.DriftKind, "leftover">) => {
    if (sweptFrom === undefined) return
    Effect.runSyncWith(context)(Metric.update(Metric.withAttributes(Metrics.driftRepaired, { kind }), 1))
  }

  const clusters = new Set<string>(clusterIds)
  const isOurs = ({ tags }: { readonly tags: Tags }): boolean => clusters.has(tags[Tag.clusterId] ?? "")
  const ownTag = (thing: { readonly tags: Tags } | undefined, key: string): string | undefined =>
    thing !== undefined && isOurs(thing) ? thing.tags[key] : undefined
  const ownCarrier = (address: Address | undefined): string | undefined =>
    address !== undefined && isOurs(address) ? address.association?.instanceId : undefined

  const inheritance = Inheritance.make()
  const byName = Index.make()
  const byInstance = Index.make()
  const byNode = Index.make()

  const addresses = Trust.make<Address>({
    id: (a) => a.allocationId,
    isSame: isSameAddress,
    isCovered: isOurs,
    onChange: ({ after, before }, isForeign) => {
      const id = (after ?? before)?.allocationId ?? ""
      byName.move(id, ownTag(before, Tag.externalIPName), ownTag(after, Tag.externalIPName))
      byInstance.move(id, ownCarrier(before), ownCarrier(after))
      if (isForeign) drifted("address")
      tell({ _tag: "Address", before, after })
    }
  })
  const groups = Trust.make<Group.Group>({
    id: (g) => g.groupId,
    isSame: Group.isSame,
    isCovered: isOurs,
    onChange: ({ after, before }, isForeign) => {
      const id = (after ?? before)?.groupId ?? ""
      byNode.move(id, ownTag(before, Tag.nodeName), ownTag(after, Tag.nodeName))
      if (isForeign) drifted("group")
      tell({ _tag: "Group", before, after })
    }
  })
  const instances = Instances.make({
    isOurs: (groupId) => {
      const group = groups.get(groupId)
      return group !== undefined && isOurs(group)
    },
    onChange: (instanceId, isForeign) => {
      if (isForeign) drifted("interface")
      tell({ _tag: "Instance", instanceId })
    }
  })

  const recordsOf = <A>(ids: ReadonlyArray<string>, get: (id: string) => A | undefined): ReadonlyArray<A> =>
    ids.flatMap((id) => get(id) ?? [])

  /** An address tells its interface always and its instance not always. */
  const placed = (address: Address): Address => {
    const { association } = address
    if (association === undefined || association.instanceId !== undefined) return address
    const instanceId = instances.carrierOf(association.networkInterfaceId)
    return { ...address, association: { ...association, instanceId } }
  }

  const describeAddresses = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    const seen = yield* ec2.describeAddresses({ allocationIds: ids })
    return new Map(seen.map((a) => [a.allocationId, placed(a)]))
  })
  const describeGroups = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    const seen = yield* ec2.describeSecurityGroups({ groupIds: ids })
    return new Map(seen.map((g) => [g.groupId, Group.fromEc2(g)]))
  })
  const describeInstances = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    const seen = yield* ec2.describeInstances(ids)
    return new Map(seen.map((i) => [i.instanceId, i]))
  })
  const groupById = ById.make(describeGroups)
  const instanceById = ById.make(describeInstances)

  /** Everything by id, known beforehand: in batches, and what is seen goes into the mirror. */
  const readAll = <A>(
    ids: Iterable<string>,
    describe: (ids: ReadonlyArray<string>) => Read<ReadonlyMap<string, A>>,
    saw: (id: string, value: A | undefined, began: number) => void
  ): Read<void> =>
    Effect.forEach(
      Arr.chunksOf(ids, ById.batchSize),
      Effect.fnUntraced(function* (batch: ReadonlyArray<string>) {
        const began = now()
        const byId = yield* describe(batch)
        for (const id of batch) saw(id, byId.get(id), began)
      }),
      { concurrency: sweepConcurrency, discard: true }
    )

  const inClusters = { [Tag.clusterId]: clusterIds }

  const sweep = Effect.fn("Inventory.sweep")(function* (instanceIds: Iterable<string>) {
    const asked = new Set(instanceIds)
    const began = now()
    // What was looked at though it is not tagged as ours: no describe by our tags would ever bring it up to date.
    const otherAddresses = [...addresses.values()].filter((a) => !isOurs(a)).map((a) => a.allocationId)
    const otherGroups = [...groups.values()].filter((g) => !isOurs(g)).map((g) => g.groupId)
    const [seenAddresses, seenGroups] = yield* Effect.all(
      [
        ec2.describeAddresses({ tags: inClusters }),
        ec2.describeSecurityGroups({ tags: inClusters }),
        readAll(asked, describeInstances, instances.saw),
        readAll(otherAddresses, describeAddresses, addresses.saw),
        readAll(otherGroups, describeGroups, groups.saw)
      ],
      { concurrency: "unbounded" }
    )
    // After the instances: they say whose interface an address is on.
    addresses.sawAll(seenAddresses.map(placed), began)
    groups.sawAll(seenGroups.map(Group.fromEc2), began)
    groupsReadBegan = Math.max(groupsReadBegan, began)
    instances.keepOnly(asked, began)
    sweptFrom = began
    tellEnded()
  })

  const lastReadOf = (allocationId: string) => addresses.get(allocationId)?.readBegan ?? sweptFrom ?? 0
  const isInherited = (allocationId: string) =>
    !addresses.isDeleted(allocationId) && inheritance.includes(allocationId, lastReadOf(allocationId))
  /** Somebody may have waited for that, and nothing else has changed. */
  const tellEnded = () => {
    for (const id of inheritance.ended(lastReadOf)) {
      const address = addresses.get(id)
      tell({ _tag: "Address", before: address, after: address })
    }
  }
  const showGroup = Effect.fn("Inventory.showGroup")(function* (groupId: string) {
    const { began, value } = yield* groupById(groupId)
    yield* taking(() => groups.saw(groupId, value, began))
    return value
  })
  const addressesOf = (name: string) => recordsOf(byName.idsOf(name), addresses.get)

  return Inventory.of({
    address: addresses.get,
    addressesOf,
    addressesOn: (instanceId) => recordsOf(byInstance.idsOf(instanceId), addresses.get),
    addresses: addresses.values,
    isReleased: addresses.isDeleted,
    isInherited,
    group: groups.get,
    isGroupDeleted: groups.isDeleted,
    groupsOf: (nodeName) => recordsOf(byNode.idsOf(nodeName), groups.get),
    groups: groups.values,
    instance: instances.get,
    networkInterface: instances.networkInterface,
    sweep,
    readAddressesOf: Effect.fn("Inventory.readAddressesOf")(function* (name: string) {
      const began = now()
      const seen = yield* ec2.describeAddresses({ tags: { ...inClusters, [Tag.externalIPName]: [name] } })
      yield* taking(() => {
        for (const address of seen) addresses.saw(address.allocationId, placed(address), began)
        tellEnded()
      })
      return addressesOf(name)
    }),
    readAddress: Effect.fn("Inventory.readAddress")(function* (allocationId: string) {
      const began = now()
      const seen = yield* describeAddresses([allocationId])
      yield* taking(() => {
        addresses.saw(allocationId, seen.get(allocationId), began)
        tellEnded()
      })
      return addresses.get(allocationId)
    }),
    readGroup: (groupId) => Effect.map(showGroup(groupId), () => groups.get(groupId)),
    showGroup,
    // One after the other: who asks while another one reads for later than its own time need not read.
    readGroups: (since) =>
      readingGroups.withPermit(
        Effect.suspend(() => {
          if (groupsReadBegan >= since) return Effect.void
          const began = now()
          return Effect.flatMap(ec2.describeSecurityGroups({ tags: inClusters }), (seen) =>
            taking(() => {
              groups.sawAll(seen.map(Group.fromEc2), began)
              groupsReadBegan = Math.max(groupsReadBegan, began)
            })
          )
        })
      ),
    groupsReadBegan: () => groupsReadBegan,
    readGroupNamed: Effect.fn("Inventory.readGroupNamed")(function* (name: string, vpcId: string) {
      const began = now()
      const [seen] = yield* ec2.describeSecurityGroups({ names: [name], vpcIds: [vpcId] })
      if (seen === undefined) return undefined
      yield* taking(() => groups.saw(seen.groupId, Group.fromEc2(seen), began))
      return groups.get(seen.groupId)
    }),
    lookUpInstance: Effect.fn("Inventory.lookUpInstance")(function* (instanceId: string) {
      const { began, value } = yield* instanceById(instanceId)
      yield* taking(() => instances.saw(instanceId, value, began))
      return instances.get(instanceId)
    }),
    readInterface: Effect.fn("Inventory.readInterface")(function* (networkInterfaceId: string) {
      const began = now()
      const [seen] = yield* ec2.describeNetworkInterfaces({ networkInterfaceIds: [networkInterfaceId] })
      if (seen !== undefined) yield* taking(() => instances.sawInterface(seen, began))
      return seen
    }),
    readInterfacesOfGroup: Effect.fn("Inventory.readInterfacesOfGroup")(function* (groupId: string) {
      const began = now()
      const seen = yield* ec2.describeNetworkInterfaces({ groupIds: [groupId] })
      yield* taking(() => {
        for (const one of seen) instances.sawInterface(one, began)
      })
      return seen
    }),
    takeOver: () => inheritance.begin(now()),
    wroteAddress: (address) => addresses.wrote(plainAddress(address), now()),
    wroteAssociation: (address, association) => {
      const { allocationId, publicIp } = address
      const before = addresses.get(allocationId)
      const left = before?.association?.networkInterfaceId
      const held = association?.networkInterfaceId
      if (left !== undefined && left !== held) instances.detached(left, publicIp, now())
      if (held !== undefined && held !== left) instances.attached(held, publicIp, now())
      inheritance.settled(allocationId)
      addresses.wrote({ ...plainAddress(before ?? address), association }, now())
      tellEnded()
    },
    releasedAddress: (allocationId) => {
      inheritance.forget(allocationId)
      addresses.deleted(allocationId, now())
    },
    wroteGroup: (group) => groups.wrote(plainGroup(group), now()),
    deletedGroup: (groupId) => groups.deleted(groupId, now()),
    wroteInterface: ({ groupIds, networkInterfaceId }) =>
      instances.wroteGroups(networkInterfaceId, groupIds, now()),
    doubtAddress: (allocationId) => addresses.doubt(allocationId, now()),
    doubtGroup: (groupId, settle) => groups.doubt(groupId, now(), settle),
    doubtInstance: (instanceId) => instances.doubt(instanceId, now()),
    onChange: (listener) => {
      listeners.push(listener)
    }
  })
})

export const layer = (options: Options): Layer.Layer<Inventory, never, Ec2> =>
  Layer.effect(Inventory, make(options))
