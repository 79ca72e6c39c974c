/**
 * When a change of a status is worth an Event that a person sees in `kubectl describe`.
 * Rule: pure; one event when the reason of Ready becomes a trouble that somebody must know of, none for its repeats.
 */
import { type Condition, ConditionType, find } from "../domain/Condition.ts"
import { type FailureReason, isFailureReason, Reason } from "../domain/Reason.ts"

/** Reasons that somebody can do something about, or that explain why nothing happens. */
const troubles: ReadonlySet<FailureReason> = new Set<FailureReason>([
  Reason.ProviderError,
  Reason.NodeAlreadyHasAddress,
  Reason.NoPublicInterface,
  Reason.UnsupportedNode,
  Reason.OtherVpc,
  Reason.AddressNotOwned,
  Reason.GroupNameTaken,
  Reason.AddressLimitExceeded,
  Reason.RuleLimitExceeded,
  Reason.GroupLimitExceeded,
  Reason.GroupsPerInterfaceLimitExceeded,
  Reason.Forbidden,
  Reason.InvalidRule,
  Reason.InvalidSpec
])

interface WithConditions {
  readonly conditions?: ReadonlyArray<Condition>
}

export interface Trouble {
  readonly reason: FailureReason
  readonly note: string
}

/** The trouble that `after` tells and `before` did not. */
export const newTrouble = (before: WithConditions, after: WithConditions): Trouble | undefined => {
  const now = find(after.conditions ?? [], ConditionType.Ready)
  const then = find(before.conditions ?? [], ConditionType.Ready)
  if (now === undefined || now.status === "True" || now.reason === then?.reason) return undefined
  const { message: note, reason } = now
  return isFailureReason(reason) && troubles.has(reason) ? { reason, note } : undefined
}
