/**
 * What the group of each node last achieved, rule by rule: written by the group's actor, read by the rules'.
 * Rule: one writer per entry; a report that says something new is a change like any other.
 */
import type { FailureReason } from "../domain/Condition.ts"
import type { FirewallRule } from "../domain/FirewallRule.ts"

export type RuleOutcome =
  /** Counted in by a run that is writing; nothing is known of it yet. */
  | { readonly _tag: "Begun" }
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

const hasReason = (o: RuleOutcome) => o._tag === "Refused" || o._tag === "Waiting"

const isSameOutcome = (a: RuleOutcome, b: RuleOutcome): boolean =>
  hasReason(a) && hasReason(b)
    ? a._tag === b._tag && a.reason === b.reason && a.message === b.message
    : a._tag === b._tag

const isSameRule = (a: RuleReport | undefined, b: RuleReport): boolean =>
  a !== undefined && a.uid === b.uid && a.generation === b.generation && isSameOutcome(a.outcome, b.outcome)

/**
 * What is said before anything is opened for rules that no report lists yet: a rule that is deleted meanwhile waits
 * for the end of the run. Undefined where all are listed.
 */
export const begin = (
  before: Report | undefined,
  nodeName: string,
  wanted: ReadonlyArray<FirewallRule>
): Report | undefined => {
  const unlisted = wanted.filter((r) => before?.rules.get(r.metadata.name)?.uid !== r.metadata.uid)
  if (unlisted.length === 0) return undefined
  const rules = new Map(before?.rules)
  for (const { metadata } of unlisted)
    rules.set(metadata.name, {
      uid: metadata.uid,
      generation: metadata.generation,
      outcome: { _tag: "Begun" }
    })
  const place = before ?? { groupId: undefined, instanceId: undefined, networkInterfaceId: undefined }
  return { ...place, nodeName, rules, isExact: before?.isExact === true }
}

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
