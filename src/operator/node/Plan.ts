/**
 * What to do next for one Node: its address label and its startup taint.
 * Rule: the label says the address that is attached to this node's instance and meant to stay there; the taint
 * goes only together with it, so never before the association is confirmed for this very instance.
 */
import type { Duration } from "effect"
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import * as ExternalIP from "../../domain/ExternalIP.ts"
import { addressLabel, startupTaint } from "../../domain/Names.ts"
import { hasStartupTaint, type Node, type Placement } from "../../domain/Node.ts"
import type { Address } from "../../ec2/Ec2.ts"
import type { AddressRecord, InstanceSighting } from "../../ec2/Inventory.ts"

/** What is known of an address that a node is labelled with. */
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

export interface Observed {
  readonly node: Node | undefined
  readonly placement: Placement | undefined
  readonly sighting: InstanceSighting | undefined
  /** An address or a rule is meant for this node: its instance will be needed. */
  readonly isInPlay: boolean
  /** Addresses of ours attached to this node's instance, with the object each is tagged for. */
  readonly attached: ReadonlyArray<{
    readonly address: AddressRecord
    readonly externalIP: ExternalIP.ExternalIP | undefined
    /** An earlier process attached it, may have detached it since, and the node is not labelled with it. */
    readonly isUnproven: boolean
  }>
  /** Of ExternalIPs that name this node, alive, with the address it is labelled with and that is not shown on it. */
  readonly claims: ReadonlyArray<Claim>
  readonly requeueInterval: Duration.Duration
}

export type Step =
  | { readonly _tag: "LookUpInstance"; readonly instanceId: string }
  | {
      readonly _tag: "PatchNode"
      readonly patch: Readonly<Record<string, unknown>>
      /** The address that the node carries from now on. */
      readonly address: string | undefined
    }

/** The address this node is to be labelled with. */
export const labelOf = (o: Observed): string | undefined => {
  const node = o.node
  if (node === undefined) return undefined
  return o.attached
    .filter((a) => !a.address.isUncertain && !a.isUnproven && staysOn(node, a.address, a.externalIP))
    .map(({ address }) => address.publicIp)
    .toSorted()[0]
}

/**
 * Attached, and not about to be moved away. An address whose object is gone keeps a label that is there, and gets none:
 * it was detached before its object went, and EC2 may show that late.
 */
const staysOn = (
  node: Node,
  { publicIp }: AddressRecord,
  externalIP: ExternalIP.ExternalIP | undefined
): boolean =>
  externalIP === undefined
    ? node.address === publicIp
    : !ExternalIP.isDeleting(externalIP) &&
      (ExternalIP.nodeName(externalIP) === node.name ||
        ExternalIP.isDisabled(externalIP) ||
        externalIP.spec._tag === "Failure")

/**
 * Whether the label stays though the address is not shown here: it is tagged for another cluster, and on this very
 * instance all the same; or an earlier process attached it, and EC2 shows that late.
 */
export const mayBeHere = (c: Claim): boolean => {
  if (c.address === undefined) return c.isInherited && !c.isGone && !c.isTaken
  if (!c.isOurs) return c.isHere
  return c.isTagged && c.address.association === undefined && c.isInherited && !c.isTaken
}

export const decide = (o: Observed): Decision<Step> => {
  const { node } = o
  if (node === undefined) return { _tag: "Settled", next: Next.stop }
  const label = labelOf(o)
  // An answer still in doubt changes nothing: neither the label nor the taint.
  const isUnknown =
    label === undefined && (o.claims.some(mayBeHere) || o.attached.some((a) => a.address.isUncertain))
  const untaint = label !== undefined && hasStartupTaint(node)
  if (!isUnknown && (node.address !== label || untaint)) {
    return {
      _tag: "Perform",
      step: { _tag: "PatchNode", patch: patchOf(node, label, untaint), address: label }
    }
  }
  // Asked for early, so that it is known by the time there is an address to attach.
  if (o.isInPlay && o.placement?._tag === "Instance" && o.sighting?._tag === "Unseen") {
    return { _tag: "Perform", step: { _tag: "LookUpInstance", instanceId: o.placement.instanceId } }
  }
  return { _tag: "Settled", next: Next.requeueAfter(o.requeueInterval) }
}

/** With resourceVersion: a merge patch replaces the taint list whole, and others write to it. */
const patchOf = (
  node: Node,
  label: string | undefined,
  untaint: boolean
): Readonly<Record<string, unknown>> => {
  const taints = node.taints.filter((t) => t.key !== startupTaint)
  return {
    metadata: { resourceVersion: node.resourceVersion, labels: { [addressLabel]: label ?? null } },
    ...(untaint ? { spec: { taints: taints.length === 0 ? null : taints } } : {})
  }
}
