/**
 * What the status of a FirewallRule says: where it is to be open, and what the group of that node reports.
 * Rule: pure; Applied is said only of a rule that the group's actor holds to be open for this very generation.
 */
import {
  apply,
  ConditionType,
  type FailureReason,
  isFalse,
  isTrue,
  isUnknown,
  Reason,
  type Verdict
} from "../../domain/Condition.ts"
import type * as FirewallRule from "../../domain/FirewallRule.ts"
import { timestamp } from "../../domain/Metadata.ts"
import type { Report, RuleOutcome } from "../Reports.ts"
import type { Target } from "./Target.ts"

const { SecurityGroupCreated, NetworkInterfaceAssociated, SecurityGroupRuleAuthorized, Ready } = ConditionType

interface Place {
  readonly nodeName?: string
  readonly firewallRuleID?: string
  readonly instanceID?: string
  readonly networkInterfaceID?: string
}

export interface Outcome {
  readonly state: FirewallRule.State
  /** Where it is open, or was last while it moves; undefined: as status says already. */
  readonly place: Place | undefined
  readonly verdicts: ReadonlyArray<Verdict>
}

const refused = (reason: FailureReason, message: string): ReadonlyArray<Verdict> => [
  isFalse(SecurityGroupRuleAuthorized, reason, message),
  isFalse(Ready, reason, message)
]

const currentPlace = (rule: FirewallRule.FirewallRule): Place => {
  const { nodeName, firewallRuleID, instanceID, networkInterfaceID } = rule.status
  return {
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(firewallRuleID === undefined ? {} : { firewallRuleID }),
    ...(instanceID === undefined ? {} : { instanceID }),
    ...(networkInterfaceID === undefined ? {} : { networkInterfaceID })
  }
}

/** What cannot be read closes nothing: the state and the place stay as they are. */
export const invalid = (rule: FirewallRule.FirewallRule, why: string): Outcome => ({
  state: rule.status.state ?? "Pending",
  place: undefined,
  verdicts: refused(Reason.InvalidRule, why)
})

export const disabled = (rule: FirewallRule.FirewallRule): Outcome => ({
  state: rule.status.state ?? "Pending",
  place: undefined,
  verdicts: [isUnknown(Ready, Reason.ReconciliationDisabled, "spec.disableReconciliation is true")]
})

export const deleting = (rule: FirewallRule.FirewallRule, waitsFor: string): Outcome => ({
  state: rule.status.state ?? "Pending",
  place: undefined,
  verdicts: [isFalse(Ready, Reason.Deleting, `waiting for ${waitsFor}`)]
})

export const untargeted = (target: Extract<Target, { _tag: "None" }>): Outcome => ({
  state: "Pending",
  place: {},
  verdicts: refused(target.reason, target.message)
})

const placeOf = (report: Report): Place => ({
  nodeName: report.nodeName,
  ...(report.groupId === undefined ? {} : { firewallRuleID: report.groupId }),
  ...(report.instanceId === undefined ? {} : { instanceID: report.instanceId }),
  ...(report.networkInterfaceId === undefined ? {} : { networkInterfaceID: report.networkInterfaceId })
})

/** What a run that has ended says of a rule. */
export type Told = Exclude<RuleOutcome, { _tag: "Begun" }>

const groupVerdicts = (
  report: Report,
  outcome: Exclude<Told, { _tag: "Applied" }>
): ReadonlyArray<Verdict> => [
  report.groupId === undefined
    ? isFalse(SecurityGroupCreated, outcome.reason, outcome.message)
    : isTrue(SecurityGroupCreated, report.groupId),
  report.networkInterfaceId === undefined
    ? isFalse(NetworkInterfaceAssociated, outcome.reason, outcome.message)
    : isTrue(NetworkInterfaceAssociated, report.networkInterfaceId)
]

/** What the group of the targeted node reports of this generation of the rule. */
export const reported = (rule: FirewallRule.FirewallRule, report: Report, outcome: Told): Outcome => {
  if (outcome._tag === "Applied") {
    return {
      state: "Applied",
      place: placeOf(report),
      verdicts: [
        isTrue(SecurityGroupCreated, `${report.groupId}`),
        isTrue(NetworkInterfaceAssociated, `${report.networkInterfaceId}`),
        isTrue(SecurityGroupRuleAuthorized, `authorised in ${report.groupId}`),
        isTrue(Ready, `open on ${report.nodeName}`)
      ]
    }
  }
  // On its way elsewhere it is still open where it was: that place stays until the new one holds it. On the same
  // node, what is known stays: a group that is not ours must be found again, not replaced.
  const isMoving = rule.status.nodeName !== undefined && rule.status.nodeName !== report.nodeName
  const place = isMoving
    ? outcome._tag === "Waiting"
      ? currentPlace(rule)
      : placeOf(report)
    : { ...currentPlace(rule), ...placeOf(report) }
  return {
    state: "Pending",
    place,
    verdicts: [...groupVerdicts(report, outcome), ...refused(outcome.reason, outcome.message)]
  }
}

/** The whole status after an outcome. `now` is in epoch milliseconds. */
export const render = (
  rule: FirewallRule.FirewallRule,
  outcome: Outcome,
  now: number
): FirewallRule.Status => {
  const before = rule.status
  const at = timestamp(now)
  return {
    state: outcome.state,
    ...(outcome.place ?? currentPlace(rule)),
    observedGeneration: Math.max(before.observedGeneration ?? 0, rule.metadata.generation),
    lastTransitionTime:
      before.state === outcome.state && before.lastTransitionTime !== undefined
        ? before.lastTransitionTime
        : at,
    conditions: apply(before.conditions ?? [], outcome.verdicts, {
      now: at,
      generation: rule.metadata.generation
    })
  }
}
