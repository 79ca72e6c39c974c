/**
 * The actor of one FirewallRule.
 * Rule: the only writer of the object's finalizer and status; it never writes to EC2.
 */
import { Clock, Effect } from "effect"
import type { Behaviour } from "../../actor/ActorSystem.ts"
import { reconcile } from "../../actor/Reconcile.ts"
import type { DoneReason } from "../../domain/EventReason.ts"
import * as FirewallRule from "../../domain/FirewallRule.ts"
import { firewallRuleFinalizer, Tag } from "../../domain/Names.ts"
import * as Permission from "../../domain/Permission.ts"
import type { GroupRecord } from "../../ec2/Inventory.ts"
import { isConfirmed } from "../../ec2/Trust.ts"
import { Events } from "../../kubernetes/Events.ts"
import { withFinalizer, withoutFinalizer } from "../../kubernetes/Finalizer.ts"
import { newTrouble } from "../Announcement.ts"
import { Cluster } from "../Cluster.ts"
import { type Failure, NotYet } from "../Failure.ts"
import { Mirrors } from "../Mirrors.ts"
import type { Report } from "../Reports.ts"
import { Settings } from "../Settings.ts"
import { statusPatch } from "../StatusPatch.ts"
import { surroundings } from "../Surroundings.ts"
import * as Handover from "./Handover.ts"
import * as Plan from "./Plan.ts"
import { type Target, targetOf } from "./Target.ts"

const nowhere: Target = { _tag: "None", reason: "NotRequested", message: "the object is gone" }

export const make = Effect.gen(function* () {
  const cluster = yield* Cluster
  const events = yield* Events
  const mirrors = yield* Mirrors
  const settings = yield* Settings
  const { inventory } = mirrors
  const around = surroundings(mirrors)
  const handover = Handover.make()

  const isWantedByOthers = (
    rule: FirewallRule.FirewallRule,
    nodeName: string,
    permission: Permission.Permission
  ): boolean => {
    const key = Permission.key(permission)
    // Asked only while a rule is on its way out; the rules of one group are found by index in its report.
    const report = mirrors.report(nodeName)
    for (const name of report?.rules.keys() ?? []) {
      const other = name === rule.metadata.name ? undefined : mirrors.firewallRules.get(name)
      if (other === undefined || FirewallRule.isDeleting(other)) continue
      if (other.permissions.some((p) => Permission.key(p) === key)) return true
    }
    // Disabled rules are in no report, and keep open what they describe.
    return disabledRulesOf(nodeName).some((other) => other.permissions.some((p) => Permission.key(p) === key))
  }

  const disabledRulesOf = (nodeName: string): ReadonlyArray<FirewallRule.FirewallRule> =>
    [
      ...mirrors.firewallRules.find("openOn", nodeName),
      ...mirrors.firewallRules.find("node", nodeName)
    ].filter((r) => FirewallRule.isDisabled(r) && !FirewallRule.isDeleting(r))

  /** Those of nodes, with our cluster id or one that is adopted. */
  const ourGroups = function* (): Iterable<GroupRecord & { readonly nodeName: string }> {
    for (const group of inventory.groups()) {
      const nodeName = group.tags[Tag.nodeName]
      if (nodeName === undefined) continue
      if (inventory.groupsOf(nodeName).some((g) => g.groupId === group.groupId)) yield { ...group, nodeName }
    }
  }

  /** All of it is where its status says of this very spec, and nobody was about to open it elsewhere. */
  const isOpenAsSaid = (rule: FirewallRule.FirewallRule, target: Target): boolean => {
    const { nodeName, observedGeneration = 0, state } = rule.status
    // A deletion counts as a change of the spec (apiserver pkg/registry/rest/delete.go).
    const generation = rule.metadata.generation - (FirewallRule.isDeleting(rule) ? 1 : 0)
    if (state !== "Applied" || nodeName === undefined || observedGeneration < generation) return false
    if (target._tag === "Node" && target.nodeName !== nodeName) return false
    const shown = new Set(inventory.groupsOf(nodeName).flatMap((g) => g.permissions.map(Permission.key)))
    return rule.permissions.length > 0 && rule.permissions.every((p) => shown.has(Permission.key(p)))
  }

  /** What another process may have opened; undefined where that is known, or a read has shown all of it since. */
  const doubtOf = (
    rule: FirewallRule.FirewallRule,
    target: Target,
    wasRead: ReadonlySet<string>,
    now: number
  ): Plan.Doubt | undefined => {
    const until = handover.doubtedUntil(rule.metadata, () => isOpenAsSaid(rule, target), now)
    if (until === 0 || !FirewallRule.isDeleting(rule)) return undefined
    const unread: Array<string> = []
    // What a write of ours outweighs was read, and not believed.
    for (const { groupId, readBegan } of ourGroups()) if (readBegan < until) unread.push(groupId)
    return {
      until,
      groupsReadBegan: inventory.groupsReadBegan(),
      unreadGroupId: unread.find((id) => !wasRead.has(id)) ?? unread[0],
      wasRead: unread.every((id) => wasRead.has(id))
    }
  }

  /** Groups of ours that hold, or may just have held, something of a rule on its way out. */
  const holdersOf = (
    rule: FirewallRule.FirewallRule,
    target: Target,
    wasRead: ReadonlySet<string>
  ): ReadonlyArray<Plan.Holder> => {
    const wasHere = (group: GroupRecord, nodeName: string): boolean =>
      rule.status.firewallRuleID === group.groupId ||
      rule.status.nodeName === nodeName ||
      (target._tag === "Node" && target.nodeName === nodeName)
    const keys = new Set(rule.permissions.map(Permission.key))
    const holders: Array<Plan.Holder> = []
    for (const group of ourGroups()) {
      const { nodeName } = group
      const report = mirrors.report(nodeName)
      const concerned = wasHere(group, nodeName)
      const holds = group.permissions.some(
        (p) => keys.has(Permission.key(p)) && !isWantedByOthers(rule, nodeName, p)
      )
      if (!holds && !concerned) continue
      holders.push({
        groupId: group.groupId,
        nodeName,
        holds,
        wasRead: wasRead.has(group.groupId),
        isConfirmed: isConfirmed(group),
        isInexact: concerned && rule.spec._tag === "Failure" && report?.isExact !== true
      })
    }
    return holders
  }

  const countedInOn = ({ metadata }: FirewallRule.FirewallRule): string | undefined => {
    for (const { nodeName, rules } of mirrors.reports())
      if (rules.get(metadata.name)?.uid === metadata.uid) return nodeName
    return undefined
  }

  /** What the group of a node reports, unless it speaks of an instance that had the node's name before. */
  const reportOf = (nodeName: string): Report | undefined => {
    const report = mirrors.report(nodeName)
    const node = mirrors.nodes.get(nodeName)
    const placement = node === undefined ? undefined : settings.placementOf(node)
    const isOfAnother =
      placement?._tag === "Instance" &&
      report?.instanceId !== undefined &&
      report.instanceId !== placement.instanceId
    return isOfAnother ? undefined : report
  }

  const unseenGroupOf = (
    rule: FirewallRule.FirewallRule,
    wasRead: ReadonlySet<string>
  ): string | undefined => {
    const groupId = rule.status.firewallRuleID
    if (groupId === undefined || wasRead.has(groupId) || inventory.isGroupDeleted(groupId)) return undefined
    return inventory.group(groupId) === undefined ? groupId : undefined
  }

  const observe = (name: string, wasRead: ReadonlySet<string>, now: number): Plan.Observed => {
    const object = mirrors.firewallRules.get(name)
    const target = object === undefined ? nowhere : targetOf(object, around)
    const deleting = object !== undefined && FirewallRule.isDeleting(object) ? object : undefined
    return {
      now,
      object,
      target,
      report: target._tag === "Node" ? reportOf(target.nodeName) : undefined,
      countedInOn: deleting === undefined ? undefined : countedInOn(deleting),
      holders: deleting === undefined ? [] : holdersOf(deleting, target, wasRead),
      unseenGroupId: deleting === undefined ? undefined : unseenGroupOf(deleting, wasRead),
      doubt: object === undefined ? undefined : doubtOf(object, target, wasRead, now)
    }
  }

  const tell = (rule: FirewallRule.FirewallRule, reason: DoneReason, action: string, note: string) =>
    events.publish({
      regarding: { kind: "FirewallRule", name: rule.metadata.name, uid: rule.metadata.uid },
      type: "Normal",
      reason,
      action,
      note
    })

  const writeStatus = Effect.fnUntraced(function* (
    rule: FirewallRule.FirewallRule,
    status: FirewallRule.Status
  ) {
    yield* cluster.patchFirewallRuleStatus(
      rule.metadata.name,
      statusPatch(rule.metadata, rule.status, status)
    )
    const before = rule.status
    const isNewPlace = before.nodeName !== status.nodeName || before.state !== "Applied"
    if (status.state === "Applied" && isNewPlace) {
      yield* tell(
        rule,
        "RuleOpened",
        "Authorize",
        `Open on node ${status.nodeName} (${status.firewallRuleID})`
      )
    }
    if (status.state === "Pending" && before.state === "Applied" && before.nodeName !== undefined) {
      yield* tell(rule, "RuleClosing", "Revoke", `No longer wanted on node ${before.nodeName}`)
    }
    const trouble = newTrouble(before, status)
    if (trouble === undefined) return
    yield* events.publish({
      regarding: { kind: "FirewallRule", name: rule.metadata.name, uid: rule.metadata.uid },
      type: "Warning",
      reason: trouble.reason,
      action: "Reconcile",
      note: trouble.note
    })
  })

  const perform = Effect.fnUntraced(function* (step: Plan.Step, o: Plan.Observed, wasRead: Set<string>) {
    const rule = o.object
    if (rule === undefined) return
    const { name } = rule.metadata
    switch (step._tag) {
      case "AddFinalizer":
        yield* cluster.patchFirewallRule(name, withFinalizer(rule.metadata, firewallRuleFinalizer))
        handover.began(rule.metadata)
        return
      case "RemoveFinalizer":
        yield* cluster.patchFirewallRule(name, withoutFinalizer(rule.metadata, firewallRuleFinalizer))
        yield* tell(rule, "RuleClosed", "Revoke", "Closed on every node")
        return
      case "WriteStatus":
        yield* writeStatus(rule, step.status)
        return
      case "ReadGroup":
        wasRead.add(step.groupId)
        yield* inventory.readGroup(step.groupId)
        return
      case "ReadGroups":
        yield* inventory.readGroups(step.since)
        return
      case "Wait":
        return yield* new NotYet({ message: step.why, isLag: true })
    }
  })

  const behaviour: Behaviour<Failure, never> = (name) => {
    if (mirrors.firewallRules.get(name) === undefined) handover.forget(name)
    const wasRead = new Set<string>()
    return reconcile<Plan.Observed, Plan.Step, Failure, never>({
      observe: Effect.map(Clock.currentTimeMillis, (now) => observe(name, wasRead, now)),
      decide: Plan.decide,
      perform: (step, o) => perform(step, o, wasRead)
    })
  }
  return behaviour
})
