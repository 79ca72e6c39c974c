/**
 * Addresses that a node is labelled with and that EC2 does not show on it.
 * Rule: the label goes on after the address and goes before it, so it tells what an earlier process did last; what EC2 shows
 * of that may be older. Such a label is neither taken off nor passed over until EC2 must show the truth.
 */
import { ConditionType, find, Reason } from "../domain/Condition.ts"
import * as ExternalIP from "../domain/ExternalIP.ts"
import { Tag } from "../domain/Names.ts"
import type { Node } from "../domain/Node.ts"
import type { Address } from "../ec2/Ec2.ts"
import { holderOtherThan } from "./InterfaceChoice.ts"
import type { Mirrors } from "./Mirrors.ts"
import type { Settings } from "./Settings.ts"

/** Of one ExternalIP that names the node, alive. */
export interface Claim {
  /** As it is known by its id; undefined while it is not. */
  readonly address: Address | undefined
  /** It carries our cluster id, or one that is adopted. */
  readonly isOurs: boolean
  /** It is tagged for the ExternalIP that claims it. */
  readonly isTagged: boolean
  /** It is on this node's instance. */
  readonly isHere: boolean
  /** Where it is, is what EC2 shows of an earlier process's deeds. */
  readonly isInherited: boolean
  /** The status says that there is none, or a new one is to be bought: it was looked for by its id and not found. */
  readonly isGone: boolean
  /** Its interface is shown with an Elastic IP that is not ours; of ours, the label tells the last. */
  readonly isTaken: boolean
}

/**
 * Whether it may be on the node: it is tagged for another cluster, and on this very instance all the same; or an earlier
 * process attached it, and EC2 shows that late.
 */
export const mayBeHere = (c: Claim): boolean => {
  if (c.address === undefined) return c.isInherited && !c.isGone && !c.isTaken
  if (!c.isOurs) return c.isHere
  return c.isTagged && c.isInherited && !c.isTaken
}

/** What is known of the label of a node: of a node whose label is shown to be true, or that has none, there is no claim. */
export const make = (mirrors: Mirrors["Service"], settings: Settings["Service"]) => {
  const { inventory } = mirrors
  const clusterIds: ReadonlyArray<string | undefined> = [settings.clusterId, ...settings.adoptClusterIds]

  const claimOf = ({ metadata, status }: ExternalIP.ExternalIP, instanceId: string): Claim => {
    const { addressID = "", networkInterfaceID = "" } = status
    const address = inventory.address(addressID)
    const created = find(status.conditions ?? [], ConditionType.IPCreated)
    const holder = holderOtherThan(status.publicIPAddress, inventory.networkInterface(networkInterfaceID))
    return {
      address,
      isOurs: clusterIds.includes(address?.tags[Tag.clusterId]),
      isTagged: address?.tags[Tag.externalIPName] === metadata.name,
      isHere: address?.association?.instanceId === instanceId,
      isInherited: inventory.isInherited(addressID),
      isGone: created?.status !== "True" && created?.reason !== Reason.AddressNotOwned,
      isTaken: holder !== undefined && mirrors.externalIPs.find("publicIP", holder).length === 0
    }
  }

  return (node: Node, instanceId: string): ReadonlyArray<Claim> =>
    node.address === undefined || inventory.addressesOn(instanceId).some((a) => a.publicIp === node.address)
      ? []
      : mirrors.externalIPs
          .find("node", node.name)
          .filter((e) => e.status.publicIPAddress === node.address && !ExternalIP.isDeleting(e))
          .map((e) => claimOf(e, instanceId))
}
