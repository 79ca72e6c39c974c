/**
 * Which network interface of an instance gets the address and the group.
 * Rule: the first of contract's order that exists; an interface once chosen stays chosen while it is attached,
 * whatever happens to its public IP.
 */
import type { Instance, NetworkInterface } from "../ec2/Ec2.ts"
import type { InterfaceSelection } from "./Settings.ts"

export interface Preferences {
  /** The interface that holds the address now. */
  readonly holdingAddress: string | undefined
  /** status.networkInterfaceID of the object. */
  readonly inStatus: string | undefined
  /** Groups of ours for this node. */
  readonly groupIds: ReadonlyArray<string>
  readonly selection: InterfaceSelection
}

export const choose = (instance: Instance, preferences: Preferences): NetworkInterface | undefined => {
  const attached = instance.interfaces
    .filter((i) => i.deviceIndex !== undefined)
    .toSorted((a, b) => (a.deviceIndex ?? 0) - (b.deviceIndex ?? 0))
  const byId = (id: string | undefined) => attached.find((i) => i.networkInterfaceId === id)
  return (
    byId(preferences.holdingAddress) ??
    byId(preferences.inStatus) ??
    attached.find((i) => i.groupIds.some((g) => preferences.groupIds.includes(g))) ??
    attached.find((i) => i.publicIp !== undefined) ??
    (preferences.selection === "primary" ? attached.find((i) => i.deviceIndex === 0) : undefined)
  )
}

/** The Elastic IP that the interface is shown with, if it is not that one; AWS's own public IPs give way to one. */
export const holderOtherThan = (
  publicIp: string | undefined,
  networkInterface: NetworkInterface | undefined
): string | undefined => {
  const shown = networkInterface?.publicIp
  return shown === undefined || shown.owner === "amazon" || shown.address === publicIp
    ? undefined
    : shown.address
}
