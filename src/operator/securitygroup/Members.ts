/**
 * Which rules have a say in one node's group, and what say.
 * Rule: only a live, valid, enabled rule with its finalizer opens anything; what is disabled, on its way
 * elsewhere or unreadable closes nothing.
 */
import * as FirewallRule from "../../domain/FirewallRule.ts"
import { byAge } from "../../domain/Metadata.ts"
import * as Permission from "../../domain/Permission.ts"
import type { SecurityGroup } from "../../ec2/Ec2.ts"
import { type Surroundings, targetOf } from "../firewallrule/Target.ts"
import type { Mirrors } from "../Mirrors.ts"

export interface Members {
  readonly wanted: ReadonlyArray<FirewallRule.FirewallRule>
  /** Keys of permissions that stay open where they are open. */
  readonly staying: ReadonlySet<string>
  readonly isFrozen: boolean
}

export const membersOf = (
  nodeName: string,
  instanceId: string | undefined,
  groups: ReadonlyArray<Pick<SecurityGroup, "groupId">>,
  mirrors: Pick<Mirrors["Service"], "firewallRules" | "externalIPs" | "nodes">,
  around: Surroundings
): Members => {
  const nodeExists = mirrors.nodes.get(nodeName) !== undefined
  const wanted: Array<FirewallRule.FirewallRule> = []
  const staying = new Set<string>()
  let isFrozen = false
  for (const rule of concerning(nodeName, instanceId, groups, mirrors)) {
    if (FirewallRule.isDeleting(rule)) continue
    if (rule.spec._tag === "Failure") {
      isFrozen ||= pointsHere(rule, nodeName, groups)
      continue
    }
    const target = targetOf(rule, around)
    const isHere = target._tag === "Node" && target.nodeName === nodeName
    if (FirewallRule.isDisabled(rule)) {
      // Open stays open, as long as there is a node for it to be open on.
      if (nodeExists && (isHere || pointsHere(rule, nodeName, groups))) keep(staying, rule)
      continue
    }
    if (isHere) {
      if (FirewallRule.hasFinalizer(rule)) wanted.push(rule)
      // Open already, by a version that put no finalizer on it: nothing of it is closed while it is added.
      else keep(staying, rule)
      continue
    }
    // On its way elsewhere: closed here only after the status says that it is open there.
    if (target._tag === "Node" && nodeExists && rule.status.nodeName === nodeName) keep(staying, rule)
  }
  return { wanted: wanted.toSorted((a, b) => byAge(a.metadata, b.metadata)), staying, isFrozen }
}

const keep = (staying: Set<string>, rule: FirewallRule.FirewallRule): void => {
  for (const p of rule.permissions) staying.add(Permission.key(p))
}

const pointsHere = (
  rule: FirewallRule.FirewallRule,
  nodeName: string,
  groups: ReadonlyArray<Pick<SecurityGroup, "groupId">>
): boolean =>
  rule.status.nodeName === nodeName || groups.some((g) => g.groupId === rule.status.firewallRuleID)

/** Every rule that names the node, follows an address on it, or says it is open there; from indexes only. */
const concerning = (
  nodeName: string,
  instanceId: string | undefined,
  groups: ReadonlyArray<Pick<SecurityGroup, "groupId">>,
  mirrors: Pick<Mirrors["Service"], "firewallRules" | "externalIPs" | "nodes">
): ReadonlySet<FirewallRule.FirewallRule> => {
  const rules = mirrors.firewallRules
  const found = new Set([...rules.find("node", nodeName), ...rules.find("openOn", nodeName)])
  for (const group of groups) for (const r of rules.find("group", group.groupId)) found.add(r)
  const held = instanceId === undefined ? [] : mirrors.externalIPs.find("instance", instanceId)
  // A status of the Go implementation does not always tell the instance.
  for (const e of [...held, ...mirrors.externalIPs.find("node", nodeName)]) {
    const address = e.status.publicIPAddress
    if (address === undefined) continue
    for (const r of rules.find("publicIP", address)) found.add(r)
  }
  return found
}
