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
import type { AddressRecord, InstanceSighting } from "../../ec2/Inventory.ts"

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
  /** The address that it is labelled with may be on it, though EC2 does not show that. */
  readonly isLabelClaimed: boolean
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

export const decide = (o: Observed): Decision<Step> => {
  const { node } = o
  if (node === undefined) return { _tag: "Settled", next: Next.stop }
  const label = labelOf(o)
  // An answer still in doubt changes nothing: neither the label nor the taint.
  const isUnknown = label === undefined && (o.isLabelClaimed || o.attached.some((a) => a.address.isUncertain))
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
