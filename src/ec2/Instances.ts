/**
 * Instances and their interfaces as last seen.
 * Rule: an interface's groups and public IP as we wrote them hold against reads that lag, like everything we
 * write; an instance that is not seen, or is terminated, is gone, and says when that was read.
 */
import { Duration } from "effect"
import type { Instance, NetworkInterface } from "./Ec2.ts"
import { visibilityWindow } from "./Trust.ts"

export type Sighting =
  | { readonly _tag: "Unseen" }
  /** Terminated, or unknown to EC2. */
  | { readonly _tag: "Gone"; readonly readAt: number }
  | {
      readonly _tag: "Seen"
      readonly instance: Instance
      /** Epoch milliseconds when the read that shows it began. */
      readonly readAt: number
      /** A write to one of its interfaces had no clear answer. */
      readonly isUncertain: boolean
    }

/** What we wrote to an interface, believed for the visibility window. */
interface Written {
  groupIds: { readonly value: ReadonlyArray<string>; readonly at: number } | undefined
  publicIp: { readonly value: NetworkInterface["publicIp"]; readonly at: number } | undefined
}

export interface Instances {
  readonly get: (instanceId: string) => Sighting
  readonly saw: (instanceId: string, instance: Instance | undefined, began: number, now: number) => void
  readonly sawInterface: (seen: NetworkInterface, began: number, now: number) => void
  readonly wroteInterface: (networkInterface: NetworkInterface, now: number) => void
  readonly wrotePublicIp: (
    networkInterfaceId: string,
    publicIp: NetworkInterface["publicIp"],
    now: number
  ) => void
  readonly doubt: (instanceId: string) => void
  /** The instance an interface was last seen on. */
  readonly carrierOf: (networkInterfaceId: string) => string | undefined
  /** Forgets what nobody asks for any more, unless it was looked up since. */
  readonly keepOnly: (instanceIds: ReadonlySet<string>, readBefore: number) => void
}

const unseen: Sighting = { _tag: "Unseen" }
const windowMillis = Duration.toMillis(visibilityWindow)

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

export const make = (options: {
  readonly onChange: (instanceId: string, isForeign: boolean) => void
}): Instances => {
  const sightings = new Map<string, Sighting>()
  const written = new Map<string, Written>()
  const carrier = new Map<string, string>()

  const believed = <A>(entry: { readonly value: A; readonly at: number } | undefined, began: number, now: number) =>
    entry !== undefined && (began <= entry.at || now - entry.at < windowMillis) ? entry : undefined

  /** What a read shows, with what we wrote since laid over it. */
  const overlaid = (seen: NetworkInterface, began: number, now: number): NetworkInterface => {
    const ours = written.get(seen.networkInterfaceId)
    const groupIds = believed(ours?.groupIds, began, now)
    const publicIp = believed(ours?.publicIp, began, now)
    if (ours !== undefined && groupIds === undefined && publicIp === undefined) written.delete(seen.networkInterfaceId)
    return {
      ...seen,
      ...(groupIds === undefined ? {} : { groupIds: groupIds.value }),
      // What comes after a disassociation (a new public IP, or none) only a read can tell.
      ...(publicIp?.value === undefined ? {} : { publicIp: publicIp.value })
    }
  }

  const put = (instanceId: string, next: Sighting, isRead: boolean): void => {
    const before = sightings.get(instanceId)
    sightings.set(instanceId, next)
    if (next._tag === "Seen") for (const i of next.instance.interfaces) carrier.set(i.networkInterfaceId, instanceId)
    const isNews =
      before === undefined ||
      before._tag !== next._tag ||
      (before._tag === "Seen" && next._tag === "Seen" && !isSame(before.instance, next.instance))
    if (isNews) options.onChange(instanceId, isRead && before?._tag === "Seen" && next._tag === "Seen")
  }

  const update = (
    networkInterfaceId: string,
    change: (i: NetworkInterface) => NetworkInterface
  ): void => {
    const instanceId = carrier.get(networkInterfaceId)
    const sighting = instanceId === undefined ? undefined : sightings.get(instanceId)
    if (instanceId === undefined || sighting?._tag !== "Seen") return
    const interfaces = sighting.instance.interfaces.map((i) =>
      i.networkInterfaceId === networkInterfaceId ? change(i) : i
    )
    put(instanceId, { ...sighting, instance: { ...sighting.instance, interfaces } }, false)
  }

  const remember = (networkInterfaceId: string): Written => {
    const known = written.get(networkInterfaceId)
    if (known !== undefined) return known
    const fresh: Written = { groupIds: undefined, publicIp: undefined }
    written.set(networkInterfaceId, fresh)
    return fresh
  }

  return {
    get: (instanceId) => sightings.get(instanceId) ?? unseen,
    saw: (instanceId, instance, began, now) => {
      const known = sightings.get(instanceId)
      if (known !== undefined && known._tag !== "Unseen" && known.readAt > began) return
      if (instance === undefined || instance.state === "terminated") {
        return put(instanceId, { _tag: "Gone", readAt: began }, true)
      }
      const interfaces = instance.interfaces.map((i) => overlaid(i, began, now))
      put(instanceId, { _tag: "Seen", instance: { ...instance, interfaces }, readAt: began, isUncertain: false }, true)
    },
    sawInterface: (seen, began, now) => update(seen.networkInterfaceId, () => overlaid(seen, began, now)),
    wroteInterface: (networkInterface, now) => {
      remember(networkInterface.networkInterfaceId).groupIds = { value: networkInterface.groupIds, at: now }
      update(networkInterface.networkInterfaceId, (i) => ({ ...i, groupIds: networkInterface.groupIds }))
    },
    wrotePublicIp: (networkInterfaceId, publicIp, now) => {
      remember(networkInterfaceId).publicIp = { value: publicIp, at: now }
      update(networkInterfaceId, (i) => ({ ...i, publicIp }))
    },
    doubt: (instanceId) => {
      const known = sightings.get(instanceId)
      if (known?._tag !== "Seen") return
      // What was written there is in doubt as well: the next read decides.
      for (const i of known.instance.interfaces) written.delete(i.networkInterfaceId)
      sightings.set(instanceId, { ...known, isUncertain: true })
    },
    carrierOf: (networkInterfaceId) => carrier.get(networkInterfaceId),
    keepOnly: (instanceIds, readBefore) => {
      for (const [id, sighting] of sightings) {
        if (instanceIds.has(id) || (sighting._tag !== "Unseen" && sighting.readAt >= readBefore)) continue
        sightings.delete(id)
        if (sighting._tag !== "Seen") continue
        for (const i of sighting.instance.interfaces) {
          carrier.delete(i.networkInterfaceId)
          written.delete(i.networkInterfaceId)
        }
      }
    }
  }
}
