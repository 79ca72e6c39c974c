/**
 * What a failed step means: how an actor waits (for the kernel) and what a condition says (for people).
 * Rule: pure, one table for every kind of actor; nothing elsewhere decides on an error's wait.
 */
import { Schema } from "effect"
import * as Retry from "../actor/Retry.ts"
import { type FailureReason, Reason } from "../domain/Condition.ts"
import type { Ec2Error } from "../ec2/Ec2Error.ts"
import type { KubernetesError } from "../kubernetes/KubernetesError.ts"

/** The world is not ready for the next step and no event is sure to tell when it is: look again, ever slower. */
export class NotYet extends Schema.TaggedError<NotYet>()("NotYet", {
  message: Schema.String,
  /** It is EC2's own view that lags, by seconds up to minutes: no reason to look ever more rarely. */
  isLag: Schema.Boolean
}) {}

export type Failure = Ec2Error | KubernetesError | NotYet

/** Quotas and permissions change by hand: minutes. */
const slow = "3 minutes"
const verySlow = "5 minutes"

/** How long to wait after a failure. */
export const retryOf = (failure: Failure): Retry.Retry => {
  if (failure._tag === "NotYet") {
    return Retry.backOff({
      atLeast: "2 seconds",
      atMost: failure.isLag ? "20 seconds" : "5 minutes",
      note: failure.message,
      isQuiet: true
    })
  }
  const note = failure.message
  const reason = failure.reason
  switch (reason._tag) {
    // Kubernetes: decide again on fresh state.
    case "Conflict":
    case "AlreadyExists":
    case "NotFound":
    case "Expired":
    // EC2: the mirror was marked as doubtful, the next pass reads.
    case "Duplicate":
    case "Gone":
      return Retry.atOnce({ note })
    case "TooManyRequests":
      return Retry.backOff({ atLeast: `${reason.retryAfterMillis} millis`, note })
    case "Busy":
      return Retry.backOff({ atLeast: "2 seconds", note })
    case "Throttled":
    case "ServerFault":
    case "Unreachable":
    case "Unintelligible":
    case "Unrecognised":
      return Retry.backOff({ note })
    case "QuotaExceeded":
    case "Refused":
      return Retry.after(slow, { note })
    // An API server that starts refuses everybody until it has read its roles; else a role is missing: minutes, soon.
    case "Forbidden":
      return Retry.backOff({ atLeast: "1 second", note })
    // Our mistake, refused by the API: more of the same changes nothing; an upgrade or an edit does.
    case "Mistake":
    case "Invalid":
      return Retry.after(verySlow, { note })
    // Said where it was left out.
    case "DryRun":
    // The lease is gone: the process is about to end.
    case "NotLeader":
      return Retry.after(verySlow, { note, isQuiet: true })
  }
}

/** The condition reason of a failure. */
export const reasonOf = (failure: Failure): FailureReason => {
  if (failure._tag !== "Ec2Error") return Reason.ProviderError
  const reason = failure.reason
  switch (reason._tag) {
    case "QuotaExceeded":
      switch (reason.code) {
        case "AddressLimitExceeded":
          return Reason.AddressLimitExceeded
        case "RulesPerSecurityGroupLimitExceeded":
          return Reason.RuleLimitExceeded
        case "SecurityGroupLimitExceeded":
          return Reason.GroupLimitExceeded
        case "SecurityGroupsPerInterfaceLimitExceeded":
          return Reason.GroupsPerInterfaceLimitExceeded
      }
      break
    case "Refused":
      return Reason.Forbidden
    case "Throttled":
      return Reason.Throttled
    default:
      return Reason.ProviderError
  }
}

/**
 * Whether the failure belongs in a status. A passing one (conflict, lag, our own shutdown) would only make the
 * status flap: the next pass is due at once.
 */
export const isWorthTelling = (failure: Failure): boolean => {
  if (failure._tag !== "Ec2Error") return false
  switch (failure.reason._tag) {
    case "Duplicate":
    case "Gone":
    case "NotLeader":
    case "DryRun":
      return false
    default:
      return true
  }
}

/** In a status: without request ids and other volatile text, so that a repeat writes nothing. */
export const describe = (failure: Failure): string =>
  failure.message
    .replaceAll(/\s*\(?(Request ?ID|request id)[:=]?\s*[0-9a-f-]+\)?/gi, "")
    .replaceAll(/Encoded authorization failure message: \S+/g, "(encoded authorization message left out)")
