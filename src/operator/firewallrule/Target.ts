/**
 * Which node a FirewallRule is to be open on.
 * Rule: pure; an address that it follows wins over a node name, with no fallback.
 */
import { type FailureReason, Reason } from "../../domain/Condition.ts"
import type * as ExternalIP from "../../domain/ExternalIP.ts"
import * as FirewallRule from "../../domain/FirewallRule.ts"
import type { Node } from "../../domain/Node.ts"

export type Target =
  | { readonly _tag: "Node"; readonly nodeName: string }
  | { readonly _tag: "None"; readonly reason: FailureReason; readonly message: string }

/** What the target depends on, read from memory. */
export interface Surroundings {
  readonly node: (name: string) => Node | undefined
  readonly nodesOfInstance: (instanceId: string) => ReadonlyArray<Node>
  readonly externalIPsWithAddress: (publicIP: string) => ReadonlyArray<ExternalIP.ExternalIP>
}

const none = (reason: FailureReason, message: string): Target => ({ _tag: "None", reason, message })

export const targetOf = (rule: FirewallRule.FirewallRule, around: Surroundings): Target => {
  if (rule.spec._tag === "Failure") return none(Reason.InvalidRule, rule.spec.failure)
  const address = FirewallRule.publicIPAddress(rule)
  if (address !== undefined) {
    const holder = around
      .externalIPsWithAddress(address)
      .find((e) => e.status.state === "Associated" && e.status.instanceID !== undefined)
    if (holder?.status.instanceID === undefined) {
      return none(Reason.NotRequested, `no ExternalIP with address ${address} is associated to a node`)
    }
    const node = around.nodesOfInstance(holder.status.instanceID)[0]
    return node === undefined
      ? none(Reason.NodeNotFound, `no node runs on ${holder.status.instanceID}, which holds ${address}`)
      : { _tag: "Node", nodeName: node.name }
  }
  const name = FirewallRule.nodeName(rule)
  if (name === undefined) {
    return none(Reason.NotRequested, "neither spec.nodeName nor spec.publicIPAddress is set")
  }
  return around.node(name) === undefined
    ? none(Reason.NodeNotFound, `node ${name} does not exist`)
    : { _tag: "Node", nodeName: name }
}
