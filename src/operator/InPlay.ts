/**
 * Which nodes the operator has business with: those whose instances it must know.
 * Rule: reads of EC2 grow with these nodes, not with the cluster.
 */
import type { Node } from "../domain/Node.ts"
import type { Mirrors } from "./Mirrors.ts"
import type { Settings } from "./Settings.ts"

export const isInPlay = (mirrors: Mirrors["Service"], node: Node): boolean =>
  node.isAutoAssign ||
  node.address !== undefined ||
  mirrors.externalIPs.find("node", node.name).length > 0 ||
  mirrors.firewallRules.find("node", node.name).length > 0

/** Instance ids for a sweep: of nodes in play, and wherever one of our addresses is attached. */
export const instancesInPlay = (
  mirrors: Mirrors["Service"],
  settings: Settings["Service"]
): ReadonlySet<string> => {
  const ids = new Set<string>()
  for (const node of mirrors.nodes.all()) {
    if (!isInPlay(mirrors, node)) continue
    const placement = settings.placementOf(node)
    if (placement._tag === "Instance") ids.add(placement.instanceId)
  }
  for (const address of mirrors.inventory.addresses()) {
    if (address.association?.instanceId !== undefined) ids.add(address.association.instanceId)
  }
  return ids
}
