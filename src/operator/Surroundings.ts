/**
 * What a rule's target depends on, read from the mirrors.
 * Rule: the rule's own actor and the group's ask the same question the same way.
 */
import type { Surroundings } from "./firewallrule/Target.ts"
import type { Mirrors } from "./Mirrors.ts"

export const surroundings = (mirrors: Mirrors["Service"]): Surroundings => ({
  node: (name) => mirrors.nodes.get(name),
  nodesOfInstance: (instanceId) => mirrors.nodes.find("instance", instanceId),
  externalIPsWithAddress: (publicIP) => mirrors.externalIPs.find("publicIP", publicIP)
})
