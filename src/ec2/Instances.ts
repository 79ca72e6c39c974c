/**
 * Instances and their interfaces as last seen.
 * Rule: an interface's groups and public IP as we wrote them hold against reads that lag, like everything we
 * write; a read never replaces what a later one showed; an instance that is terminated or not shown is gone, and
 * says when that was read.
 */
import type { Instance, NetworkInterface } from "./Ec2.ts"
import { outweighs } from "./Trust.ts"

export type Sighting =
  | { readonly _tag: "Unseen" }
  /** Terminated, or unknown to EC2. */
  | { readonly _tag: "Gone"; readonly readAt: number }
  | {
      readonly _tag: "Seen"
      readonly instance: Instance
      /** Epoch milliseconds when the read that shows it began. */
      readonly readAt: number
      /** A write to it or to one of its interfaces had no clear answer: a read that begins later decides. */
      readonly isUncertain: boolean
    }

/** What is known of an interface beyond what its instance shows. */
interface Known {
  /** Undefined: written to, and never seen on an instance. */
  readonly instanceId?: string | undefined
  /** When the read of the interface itself began; 0: it was seen with its instance only. */
  readonly readBegan: number
  readonly groupIds?: Written<ReadonlyArray<string>> | undefined
  /** The address we attached. */
  readonly attached?: Written<string> | undefined
  /** The address we detached: a read that shows it still is behind. */
  readonly detached?: Written<string> | undefined
}
interface Written<A> {
  readonly value: A
  readonly at: number
}

export interface Instances {
  readonly get: (instanceId: string) => Sighting
  readonly networkInterface: (networkInterfaceId: string) => NetworkInterface | undefined
  /** Undefined: the read does not show it. */
  readonly saw: (instanceId: string, instance: Instance | undefined, began: number) => void
  readonly sawInterface: (seen: NetworkInterface, began: number) => void
  readonly wroteGroups: (networkInterfaceId: string, groupIds: ReadonlyArray<string>, now: number) => void
  readonly attached: (networkInterfaceId: string, publicIp: string, now: number) => void
  readonly detached: (networkInterfaceId: string, publicIp: string, now: number) => void
  readonly doubt: (instanceId: string, now: number) => void
  /** The instance an interface was last seen on. */
  readonly carrierOf: (networkInterfaceId: string) => string | undefined
  /** Forgets what nobody asks for any more, unless it was looked up since. */
  readonly keepOnly: (instanceIds: ReadonlySet<string>, readBefore: number) => void
}

export interface Options {
  /** Whether the group is one of ours: the loss of such a one is a change made by others. */
  readonly isOurs: (groupId: string) => boolean
  readonly onChange: (instanceId: string, isForeign: boolean) => void
}

const unseen: Sighting = { _tag: "Unseen" }
/** Elastic IPs show their account as the owner; ours is not known here, and "not amazon" is all that matters. */
const ownAccount = "self"

const isSameInterface = (a: NetworkInterface, b: NetworkInterface): boolean =>
  a.networkInterfaceId === b.networkInterfaceId &&
  a.deviceIndex === b.deviceIndex &&
  a.publicIp?.address === b.publicIp?.address &&
  (a.publicIp?.owner === "amazon") === (b.publicIp?.owner === "amazon") &&
  a.groupIds.length === b.groupIds.length &&
  a.groupIds.every((g) => b.groupIds.includes(g))

const isSame = (a: Instance, b: Instance): boolean =>
  a.state === b.state &&
  a.vpcId === b.vpcId &&
  a.interfaces.length === b.interfaces.length &&
  a.interfaces.every((i) => b.interfaces.some((j) => isSameInterface(i, j)))

const interfaceOf = (sighting: Sighting | undefined, id: string): NetworkInterface | undefined =>
  sighting?._tag === "Seen"
    ? sighting.instance.interfaces.find((i) => i.networkInterfaceId === id)
    : undefined

export const make = ({ isOurs, onChange }: Options): Instances => {
  const sightings = new Map<string, Sighting>()
  const interfaces = new Map<string, Known>()
  /** When the doubtful write ended, by instance. */
  const doubts = new Map<string, number>()

  /** What a read shows, with what we wrote since laid over it. */
  const overlaid = (seen: NetworkInterface, began: number): NetworkInterface => {
    const known = interfaces.get(seen.networkInterfaceId)
    const holds = <A>(written: Written<A> | undefined): written is Written<A> =>
      written !== undefined && outweighs(written.at, began)
    const isBehind = holds(known?.detached) && seen.publicIp?.address === known.detached.value
    return {
      ...seen,
      groupIds: holds(known?.groupIds) ? known.groupIds.value : seen.groupIds,
      // What comes after a disassociation (a new public IP, or none) only a read can tell.
      publicIp: holds(known?.attached)
        ? { address: known.attached.value, owner: ownAccount }
        : isBehind
          ? undefined
          : seen.publicIp
    }
  }

  const hasLostOurs = (before: Instance, after: Instance): boolean =>
    before.interfaces.some((old) => {
      const now = after.interfaces.find((i) => i.networkInterfaceId === old.networkInterfaceId)
      return now !== undefined && old.groupIds.some((g) => isOurs(g) && !now.groupIds.includes(g))
    })

  const put = (instanceId: string, after: Sighting, isRead: boolean): void => {
    const before = sightings.get(instanceId)
    sightings.set(instanceId, after)
    if (before?._tag === "Seen" && after._tag === "Seen") {
      if (isSame(before.instance, after.instance)) return
      // After a doubtful write of ours a difference says nothing of others.
      const isForeign = isRead && !before.isUncertain && hasLostOurs(before.instance, after.instance)
      onChange(instanceId, isForeign)
    } else if (before?._tag !== after._tag) {
      onChange(instanceId, false)
    }
  }

  const forgetInterfaces = (sighting: Sighting | undefined): void => {
    if (sighting?._tag !== "Seen") return
    for (const i of sighting.instance.interfaces) interfaces.delete(i.networkInterfaceId)
  }

  /** Shows the interface changed (undefined: no longer there) in the record of its instance. */
  const show = (
    id: string,
    change: (i: NetworkInterface) => NetworkInterface | undefined,
    isRead: boolean
  ): void => {
    const instanceId = interfaces.get(id)?.instanceId
    const sighting = instanceId === undefined ? undefined : sightings.get(instanceId)
    if (instanceId === undefined || sighting?._tag !== "Seen") return
    const shown = sighting.instance.interfaces.flatMap((i) => {
      if (i.networkInterfaceId !== id) return [i]
      const changed = change(i)
      return changed === undefined ? [] : [changed]
    })
    put(instanceId, { ...sighting, instance: { ...sighting.instance, interfaces: shown } }, isRead)
  }

  const remember = (id: string, news: Partial<Known>): void => {
    interfaces.set(id, { readBegan: 0, ...interfaces.get(id), ...news })
  }

  const lastWriteTo = ({ attached, detached, groupIds }: Known): number =>
    Math.max(attached?.at ?? 0, detached?.at ?? 0, groupIds?.at ?? 0)

  return {
    get: (instanceId) => sightings.get(instanceId) ?? unseen,
    networkInterface: (id) => interfaceOf(sightings.get(interfaces.get(id)?.instanceId ?? ""), id),
    saw: (instanceId, instance, began) => {
      const before = sightings.get(instanceId)
      if (before !== undefined && before._tag !== "Unseen" && before.readAt > began) return
      const doubtedAt = doubts.get(instanceId)
      const isUncertain = doubtedAt !== undefined && began <= doubtedAt
      if (!isUncertain) doubts.delete(instanceId)
      if (instance === undefined || instance.state === "terminated") {
        forgetInterfaces(before)
        put(instanceId, { _tag: "Gone", readAt: began }, true)
        return
      }
      const shown = instance.interfaces.map((i) => {
        const known = interfaces.get(i.networkInterfaceId)
        const newer =
          known?.instanceId === instanceId && known.readBegan > began
            ? interfaceOf(before, i.networkInterfaceId)
            : undefined
        if (newer !== undefined) return newer
        remember(i.networkInterfaceId, { instanceId })
        return overlaid(i, began)
      })
      put(
        instanceId,
        { _tag: "Seen", instance: { ...instance, interfaces: shown }, readAt: began, isUncertain },
        true
      )
    },
    sawInterface: (seen, began) => {
      const id = seen.networkInterfaceId
      const known = interfaces.get(id)
      const sighting = known?.instanceId === undefined ? undefined : sightings.get(known.instanceId)
      if (known === undefined || sighting?._tag !== "Seen") return
      if (known.readBegan > began || sighting.readAt > began) return
      remember(id, { readBegan: began })
      show(id, () => (seen.instanceId === known.instanceId ? overlaid(seen, began) : undefined), true)
    },
    wroteGroups: (id, groupIds, now) => {
      remember(id, { groupIds: { value: groupIds, at: now } })
      show(id, (i) => ({ ...i, groupIds }), false)
    },
    attached: (id, publicIp, now) => {
      remember(id, { attached: { value: publicIp, at: now }, detached: undefined })
      show(id, (i) => ({ ...i, publicIp: { address: publicIp, owner: ownAccount } }), false)
    },
    detached: (id, publicIp, now) => {
      const attached = interfaces.get(id)?.attached
      // Another one may have come in its place already.
      if (attached !== undefined && attached.value !== publicIp) return
      remember(id, { attached: undefined, detached: { value: publicIp, at: now } })
      show(id, (i) => (i.publicIp?.address === publicIp ? { ...i, publicIp: undefined } : i), false)
    },
    doubt: (instanceId, now) => {
      const sighting = sightings.get(instanceId)
      if (sighting?._tag !== "Seen") return
      doubts.set(instanceId, now)
      // What was written there is in doubt as well.
      for (const { networkInterfaceId } of sighting.instance.interfaces) {
        remember(networkInterfaceId, { groupIds: undefined, attached: undefined, detached: undefined })
      }
      sightings.set(instanceId, { ...sighting, isUncertain: true })
    },
    carrierOf: (id) => interfaces.get(id)?.instanceId,
    keepOnly: (instanceIds, readBefore) => {
      for (const [id, sighting] of sightings) {
        if (instanceIds.has(id) || (sighting._tag !== "Unseen" && sighting.readAt >= readBefore)) continue
        forgetInterfaces(sighting)
        sightings.delete(id)
        doubts.delete(id)
      }
      for (const [id, known] of interfaces) {
        if (known.instanceId === undefined && !outweighs(lastWriteTo(known), readBefore)) {
          interfaces.delete(id)
        }
      }
    }
  }
}
