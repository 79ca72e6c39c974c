/**
 * What the group of one node has achieved, rule by rule.
 * Rule: pure; Applied is said only of a rule all of whose permissions are in a group that is attached.
 */
import { type FailureReason, Reason } from "../../domain/Condition.ts"
import type * as FirewallRule from "../../domain/FirewallRule.ts"
import * as Permission from "../../domain/Permission.ts"
import type { Report, RuleOutcome, RuleReport } from "../Reports.ts"
import { mainGroup, situate } from "./Situation.ts"
import type { Observed } from "./Step.ts"
import { keptKeys, nameTaken, notOwned, union } from "./Wanted.ts"

/** What has been achieved, rule by rule; `failure` is what the last step met, if it failed. */
export const reportOf = (
  o: Observed,
  failure: { readonly reason: FailureReason; readonly message: string } | undefined
): Report => {
  const where = situate(o)
  const chosen = where._tag === "Placed" ? where.chosen : undefined
  const group = mainGroup(o, where._tag === "Placed" ? where.vpcId : undefined, chosen)
  const wanted = union(o)
  const held = new Set(group?.permissions.map(Permission.key))
  const isAttached = group !== undefined && chosen?.groupIds.includes(group.groupId) === true
  const keep = keptKeys(o, wanted)
  const outcomeOf = (rule: FirewallRule.FirewallRule): RuleOutcome => {
    if (where._tag === "Blocked") {
      const { reason, message } = where
      return { _tag: where.until === "Final" ? "Refused" : "Waiting", reason, message }
    }
    if (wanted.overLimit.has(rule)) {
      const message = "the security group of the node is full; older FirewallRules come first"
      return { _tag: "Refused", reason: Reason.RuleLimitExceeded, message }
    }
    const refusal = wanted.refused.get(rule)
    if (refusal !== undefined)
      return { _tag: "Refused", reason: Reason.InvalidRule, message: refusal.message }
    if (isAttached && rule.permissions.every((p) => held.has(Permission.key(p)))) return { _tag: "Applied" }
    if (group === undefined && o.foreignGroup !== undefined) {
      return { _tag: "Refused", reason: Reason.AddressNotOwned, message: notOwned(o.foreignGroup) }
    }
    if (group === undefined && o.memory.nameTakenBy !== undefined) {
      return { _tag: "Refused", reason: Reason.GroupNameTaken, message: nameTaken(o) }
    }
    return failure === undefined
      ? { _tag: "Waiting", reason: Reason.NodeRetrievalError, message: `on its way to ${o.nodeName}` }
      : { _tag: "Waiting", ...failure }
  }
  return {
    nodeName: o.nodeName,
    groupId: group?.groupId,
    instanceId: where._tag === "Placed" ? where.instance.instanceId : undefined,
    networkInterfaceId: isAttached ? chosen?.networkInterfaceId : undefined,
    rules: new Map(
      o.wanted.map((rule): readonly [string, RuleReport] => [
        rule.metadata.name,
        { uid: rule.metadata.uid, generation: rule.metadata.generation, outcome: outcomeOf(rule) }
      ])
    ),
    isExact: !o.isFrozen && o.groups.every((g) => g.permissions.every((p) => keep.has(Permission.key(p))))
  }
}
