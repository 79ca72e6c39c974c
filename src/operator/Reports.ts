/**
 * What the group of each node last achieved, rule by rule: written by the group's actor, read by the rules'.
 * Rule: one writer per entry; a report that says something new is a change like any other.
 */
import type { FailureReason } from "../domain/Condition.ts"

export type RuleOutcome =
  | { readonly _tag: "Applied" }
  /** Nothing will change until the rule, a quota or a permission does. */
  | { readonly _tag: "Refused"; readonly reason: FailureReason; readonly message: string }
  /** On its way. */
  | { readonly _tag: "Waiting"; readonly reason: FailureReason; readonly message: string }

export interface RuleReport {
  readonly uid: string
  /** Of the rule's spec that this speaks of. */
  readonly generation: number
  readonly outcome: RuleOutcome
}

export interface Report {
  readonly nodeName: string
  readonly groupId: string | undefined
  readonly instanceId: string | undefined
  /** The interface that carries the group. */
  readonly networkInterfaceId: string | undefined
  /** By rule name. */
  readonly rules: ReadonlyMap<string, RuleReport>
  /** The group holds the union of the rules and nothing else. */
  readonly isExact: boolean
}

const isSameOutcome = (a: RuleOutcome, b: RuleOutcome): boolean =>
  a._tag === "Applied" || b._tag === "Applied"
    ? a._tag === b._tag
    : a._tag === b._tag && a.reason === b.reason && a.message === b.message

const isSameRule = (a: RuleReport | undefined, b: RuleReport): boolean =>
  a !== undefined && a.uid === b.uid && a.generation === b.generation && isSameOutcome(a.outcome, b.outcome)

/** Names of the rules for which a new report says something else than the one before. */
export const changedRules = (before: Report | undefined, after: Report): ReadonlyArray<string> => {
  const all = new Set([...(before?.rules.keys() ?? []), ...after.rules.keys()])
  const isSamePlace =
    before !== undefined &&
    before.groupId === after.groupId &&
    before.instanceId === after.instanceId &&
    before.networkInterfaceId === after.networkInterfaceId &&
    before.isExact === after.isExact
  return [...all].filter((name) => {
    const now = after.rules.get(name)
    return !isSamePlace || now === undefined || !isSameRule(before?.rules.get(name), now)
  })
}
