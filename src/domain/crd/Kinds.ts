/**
 * The two custom resources: how they are called, and what they may look like.
 * Rule: validation begins at `spec` and `status`; the objects themselves always pass, or a stored one that a newer
 * rule refuses could not be patched, cleaned up and deleted.
 */
import * as ExternalIP from "../ExternalIP.ts"
import * as FirewallRule from "../FirewallRule.ts"
import { partial, type Shape, shape } from "./Shape.ts"

export interface Kind {
  readonly kind: "ExternalIP" | "FirewallRule"
  readonly plural: string
  readonly shortName: string
  readonly description: string
  readonly spec: Shape
  readonly status: Shape
}

const achieved = "What was achieved."

export const externalIP: Kind = {
  kind: "ExternalIP",
  plural: "externalips",
  shortName: "eip",
  description: "A static public IP address, perhaps on a node.",
  spec: shape(ExternalIP.Spec),
  status: partial(achieved, ExternalIP.statusFields)
}

export const firewallRule: Kind = {
  kind: "FirewallRule",
  plural: "firewallrules",
  shortName: "fwr",
  description: "Ports opened on a node, for IPv4 ranges.",
  spec: shape(FirewallRule.Spec),
  status: partial(achieved, { ...FirewallRule.statusFields, ...FirewallRule.formerStatusFields })
}

/** Undefined for kinds that are not ours. */
export const find = (kind: string): Kind | undefined =>
  [externalIP, firewallRule].find((k) => k.kind === kind)
