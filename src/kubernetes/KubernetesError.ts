/**
 * What can go wrong in a call to the Kubernetes API: one error, one reason per kind of answer.
 * Rule: reasons follow what a client must do next, as the API conventions define the status codes.
 */
import { Schema } from "effect"

const text = { message: Schema.String }

/** 409 on a write with a stale resourceVersion (or a failed JSON-patch test): read, decide again. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", text) {}
/** 409 on a create: the name is taken; read it. */
export class AlreadyExists extends Schema.TaggedError<AlreadyExists>()("AlreadyExists", text) {}
/** 404, said by the API of the object: there is none of that name. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", text) {}
/** 422 (and 400): the object is refused; the message names the field. */
export class Invalid extends Schema.TaggedError<Invalid>()("Invalid", text) {}
/** 410, as a status or as an ERROR event: list again. */
export class Expired extends Schema.TaggedError<Expired>()("Expired", text) {}
/** 401 and 403. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", text) {}
/** 429: nothing was done; wait. */
export class TooManyRequests extends Schema.TaggedError<TooManyRequests>()("TooManyRequests", {
  ...text,
  /** From Retry-After, in milliseconds. */
  retryAfterMillis: Schema.Number
}) {}
/** 5xx: for a write the outcome is unknown. */
export class ServerFault extends Schema.TaggedError<ServerFault>()("ServerFault", {
  ...text,
  status: Schema.Number
}) {}
/** Time-out, reset, refused connection, broken TLS: for a write the outcome is unknown. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", text) {}
/**
 * The answer is not what the API promises (not JSON, an ERROR event without a code, a 404 that is not about the object,
 * any other status): for a write the outcome is unknown.
 */
export class Unintelligible extends Schema.TaggedError<Unintelligible>()("Unintelligible", text) {}
/** The lease is no longer held: the request was not sent. */
export class NotLeader extends Schema.TaggedError<NotLeader>()("NotLeader", text) {}
/** --dry-run: the request was logged and not sent. */
export class DryRun extends Schema.TaggedError<DryRun>()("DryRun", text) {}

export const Reason = Schema.Union([
  Conflict,
  AlreadyExists,
  NotFound,
  Invalid,
  Expired,
  Forbidden,
  TooManyRequests,
  ServerFault,
  Unreachable,
  Unintelligible,
  NotLeader,
  DryRun
])
export type Reason = typeof Reason.Type

export class KubernetesError extends Schema.TaggedError<KubernetesError>()("KubernetesError", {
  /** Verb and resource, such as "patch externalips/a". */
  operation: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `${this.operation}: ${this.reason._tag}: ${this.reason.message}`
  }
}
