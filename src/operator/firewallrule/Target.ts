/**
 * Which node a FirewallRule is to be open on.
 * Rule: pure; an address that it follows wins over a node name, with no fallback.
 */
import { type FailureReason, Reason } from "../../domain/Condition.ts"
import * as ExternalIP from "../../domain/ExternalIP.ts"
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

/**
 * The one that has it, of several that say so: on the node that it names, on another one, or on the node that it names
 * without a word of the instance, as the Go implementation leaves it.
 */
const holderOf = (said: ReadonlyArray<ExternalIP.ExternalIP>): ExternalIP.ExternalIP | undefined => {
  // Without our finalizer it has let go, whatever its last status says.
  const alive = said.filter((e) => !ExternalIP.isDeleting(e) || ExternalIP.hasFinalizer(e))
  const isSomewhere = ({ status }: ExternalIP.ExternalIP) => status.instanceID !== undefined
  const isAssociated = ({ status }: ExternalIP.ExternalIP) => status.state === "Associated"
  return (
    alive.find((e) => isAssociated(e) && isSomewhere(e)) ??
    alive.find(isSomewhere) ??
    alive.find(isAssociated)
  )
}

const none = (reason: FailureReason, message: string): Target => ({ _tag: "None", reason, message })

const nodeHolding = (address: string, holder: ExternalIP.ExternalIP, around: Surroundings): Target => {
  const { instanceID } = holder.status
  const name = ExternalIP.nodeName(holder) ?? ""
  const node = instanceID === undefined ? around.node(name) : around.nodesOfInstance(instanceID)[0]
  if (node !== undefined) return { _tag: "Node", nodeName: node.name }
  const where = instanceID === undefined ? `node ${name} does not exist` : `no node runs on ${instanceID}`
  return none(Reason.NodeNotFound, `${where}, which holds ${address}`)
}

export const targetOf = (rule: FirewallRule.FirewallRule, around: Surroundings): Target => {
  if (rule.spec._tag === "Failure") return none(Reason.InvalidRule, rule.spec.failure)
  const address = FirewallRule.publicIPAddress(rule)
  if (address !== undefined) {
    const holder = holderOf(around.externalIPsWithAddress(address))
    return holder === undefined
      ? none(Reason.NotRequested, `no ExternalIP with address ${address} is associated to a node`)
      : nodeHolding(address, holder, around)
  }
  const name = FirewallRule.nodeName(rule)
  if (name === undefined) {
    return none(Reason.NotRequested, "neither spec.nodeName nor spec.publicIPAddress is set")
  }
  return around.node(name) === undefined
    ? none(Reason.NodeNotFound, `node ${name} does not exist`)
    : { _tag: "Node", nodeName: name }
}
