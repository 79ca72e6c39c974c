/**
 * What to do next for one FirewallRule: its finalizer and its status. Opening and closing is the group's work.
 * Rule: the finalizer is there before anything is opened, and goes only when a read that began after the last
 * write shows that no group of ours holds anything only this rule wanted; after a change of processes that write may be
 * the other one's, and the read has to begin when nothing of it can be hidden any more.
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import * as FirewallRule from "../../domain/FirewallRule.ts"
import { firewallRuleFinalizer } from "../../domain/Names.ts"
import * as Finalizer from "../../kubernetes/Finalizer.ts"
import type { Report } from "../Reports.ts"
import { isSameStatus } from "../StatusPatch.ts"
import * as Status from "./Status.ts"
import type { Target } from "./Target.ts"

/** A group of ours as far as a rule on its way out is concerned. */
export interface Holder {
  readonly groupId: string
  readonly nodeName: string
  /** It holds an identity that no other rule wants there. */
  readonly holds: boolean
  /** Nothing was written to it since the read that shows it began. */
  readonly isConfirmed: boolean
  /** It was read in this run already: EC2's own view lags behind. */
  readonly wasRead: boolean
  /** What nobody can read is known to be closed only by the group being exactly its union, and it is not yet. */
  readonly isInexact: boolean
}

export interface Observed {
  readonly now: number
  readonly object: FirewallRule.FirewallRule | undefined
  readonly target: Target
  /** Of the targeted node's group. */
  readonly report: Report | undefined
  /** While the object is being deleted: a node whose group still counts it in, and may be opening it right now. */
  readonly countedInOn: string | undefined
  /** While the object is being deleted: groups that may hold something of it. */
  readonly holders: ReadonlyArray<Holder>
  /** While the object is being deleted: its status names a group that no read has shown, and that nobody deleted. */
  readonly unseenGroupId: string | undefined
  /** While the object is being deleted, and an earlier process may have opened what EC2 does not show yet. */
  readonly doubt: Doubt | undefined
}

/** Epoch milliseconds. */
export interface Doubt {
  /** A read of all groups that begins then shows it, if it is there. */
  readonly until: number
  /** When the last read of all groups began. */
  readonly groupsReadBegan: number
  /** A group of ours of which no such read was believed yet. */
  readonly unreadGroupId: string | undefined
  /** All those were read in this run already. */
  readonly wasRead: boolean
}

export type Step =
  | { readonly _tag: "AddFinalizer" }
  | { readonly _tag: "RemoveFinalizer" }
  | { readonly _tag: "WriteStatus"; readonly status: FirewallRule.Status }
  /** Was what we closed really closed? */
  | { readonly _tag: "ReadGroup"; readonly groupId: string }
  /** All of ours, unless that was done since then (epoch milliseconds). */
  | { readonly _tag: "ReadGroups"; readonly since: number }
  | { readonly _tag: "Wait"; readonly why: string }

const perform = (step: Step): Decision<Step> => ({ _tag: "Perform", step })
const settled = (next: Next.Next): Decision<Step> => ({ _tag: "Settled", next })

export const decide = (o: Observed): Decision<Step> => {
  const rule = o.object
  if (rule === undefined) return settled(Next.stop)
  return Finalizer.guard(rule.metadata, firewallRuleFinalizer, {
    absent: () => hold(o, rule) ?? perform({ _tag: "AddFinalizer" }),
    live: () => hold(o, rule) ?? follow(o, rule),
    cleanup: () => cleanUp(o, rule),
    release: () => perform({ _tag: "RemoveFinalizer" }),
    gone: () => settled(Next.stop)
  })
}

/** Why nothing is to be opened for a rule; undefined where it has a target. */
const hold = (o: Observed, rule: FirewallRule.FirewallRule): Decision<Step> | undefined => {
  if (rule.spec._tag === "Failure") {
    return say(o, rule, Status.invalid(rule, rule.spec.failure), "a valid spec")
  }
  if (FirewallRule.isDisabled(rule)) {
    return say(o, rule, Status.disabled(rule), "reconciliation to be enabled")
  }
  return o.target._tag === "None" ? say(o, rule, Status.untargeted(o.target), "a node") : undefined
}

/** Says what the group of the targeted node reports. */
const follow = (o: Observed, rule: FirewallRule.FirewallRule): Decision<Step> => {
  const entry = o.report?.rules.get(rule.metadata.name)
  const waitsFor = `the group of ${o.target._tag === "Node" ? o.target.nodeName : "a node"}`
  if (
    o.report === undefined ||
    entry === undefined ||
    entry.uid !== rule.metadata.uid ||
    entry.generation !== rule.metadata.generation ||
    entry.outcome._tag === "Begun"
  ) {
    // Nothing is said of this generation yet; saying "pending" in between would make the status flap.
    return settled(Next.awaitChange(waitsFor))
  }
  return say(o, rule, Status.reported(rule, o.report, entry.outcome), waitsFor)
}

const say = (
  o: Observed,
  rule: FirewallRule.FirewallRule,
  outcome: Status.Outcome,
  waitsFor: string
): Decision<Step> =>
  sayThen(o, rule, outcome, Next.awaitChange(outcome.state === "Applied" ? undefined : waitsFor))

const sayThen = (
  o: Observed,
  rule: FirewallRule.FirewallRule,
  outcome: Status.Outcome,
  next: Next.Next
): Decision<Step> => {
  const status = Status.render(rule, outcome, o.now)
  return isSameStatus(rule.status, status) ? settled(next) : perform({ _tag: "WriteStatus", status })
}

/** What stands in the way of letting a deleted rule go; undefined once nothing does. */
const cleanUp = (o: Observed, rule: FirewallRule.FirewallRule): Decision<Step> | undefined => {
  const waitFor = (what: string) => say(o, rule, Status.deleting(rule, what), what)
  if (o.countedInOn !== undefined) return waitFor(`the group of node ${o.countedInOn} to close it`)
  // One describe that does not show it is no proof: EC2's answers lag.
  if (o.unseenGroupId !== undefined) return perform({ _tag: "ReadGroup", groupId: o.unseenGroupId })
  const busy = o.holders.find((h) => h.holds || h.isInexact)
  if (busy !== undefined) return waitFor(`${busy.groupId} of node ${busy.nodeName} to close it`)
  const unread = o.holders.find((h) => !h.isConfirmed)
  if (unread !== undefined) {
    return perform(
      unread.wasRead
        ? { _tag: "Wait", why: `EC2 to show ${unread.groupId} as it was left` }
        : { _tag: "ReadGroup", groupId: unread.groupId }
    )
  }
  return o.doubt === undefined ? undefined : overcome(o, rule, o.doubt)
}

const overcome = (
  o: Observed,
  rule: FirewallRule.FirewallRule,
  { groupsReadBegan, unreadGroupId, until, wasRead }: Doubt
): Decision<Step> | undefined => {
  if (o.now < until) {
    const what = "EC2 to show what was opened before this process began"
    const outcome = Status.deleting(rule, what)
    return sayThen(o, rule, outcome, Next.requeueAfter(`${until - o.now} millis`, what))
  }
  if (groupsReadBegan < until) return perform({ _tag: "ReadGroups", since: until })
  if (unreadGroupId === undefined) return undefined
  return perform(
    wasRead
      ? { _tag: "Wait", why: `EC2 to show ${unreadGroupId} as it was left` }
      : { _tag: "ReadGroup", groupId: unreadGroupId }
  )
}
