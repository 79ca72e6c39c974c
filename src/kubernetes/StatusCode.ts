/**
 * What an answer that is not a success means: HTTP status and the API's Status object -> the reason of the error.
 * Rule: pure, one table; an answer that the table does not know is Unintelligible, never guessed.
 * Source: Kubernetes API conventions, "Response Status Kind" and "HTTP Status codes".
 */
import { Option, Schema } from "effect"
import {
  AlreadyExists,
  Conflict,
  Expired,
  Forbidden,
  Invalid,
  NotFound,
  type Reason,
  ServerFault,
  TooManyRequests,
  Unintelligible
} from "./KubernetesError.ts"

/** The fields of a Status that decide; Go writes absent ones as null now and then. */
export const Status = Schema.Struct({
  kind: Schema.optionalKey(Schema.NullOr(Schema.String)),
  code: Schema.optionalKey(Schema.NullOr(Schema.Number)),
  reason: Schema.optionalKey(Schema.NullOr(Schema.String)),
  message: Schema.optionalKey(Schema.NullOr(Schema.String)),
  details: Schema.optionalKey(
    Schema.NullOr(
      Schema.Struct({
        name: Schema.optionalKey(Schema.NullOr(Schema.String)),
        retryAfterSeconds: Schema.optionalKey(Schema.NullOr(Schema.Number))
      })
    )
  )
})
export type Status = typeof Status.Type

const decode = Schema.decodeUnknownOption(Status)
const decodeText = Schema.decodeUnknownOption(Schema.fromJsonString(Status))

/** Where nothing says how long: as long as client-go waits at least. */
const defaultRetryAfterMillis = 1_000
/** A proxy's page can be long; a log line must not be. */
const excerptLength = 300

/**
 * Whether a 404 says that there is no such object: the API does, by its name. One of a proxy, or of a path that is not
 * served (now), says nothing of the object at it.
 */
const isOfObject = ({ details, kind, reason }: Status): boolean =>
  kind === "Status" && reason === "NotFound" && Boolean(details?.name)

const reasonFor = (code: number, status: Status, message: string, retryAfterSeconds?: number): Reason => {
  switch (code) {
    case 400:
    case 422:
      return new Invalid({ message })
    case 401:
    case 403:
      return new Forbidden({ message })
    case 404:
      return isOfObject(status) ? new NotFound({ message }) : new Unintelligible({ message })
    case 409:
      return status.reason === "AlreadyExists" ? new AlreadyExists({ message }) : new Conflict({ message })
    case 410:
      return new Expired({ message })
    case 429: {
      const seconds = retryAfterSeconds ?? status.details?.retryAfterSeconds ?? undefined
      return new TooManyRequests({
        message,
        retryAfterMillis: seconds === undefined ? defaultRetryAfterMillis : seconds * 1_000
      })
    }
    default:
      return code >= 500 && code <= 599
        ? new ServerFault({ message, status: code })
        : new Unintelligible({ message: `unexpected status ${code}: ${message}` })
  }
}

export interface Answer {
  readonly code: number
  readonly body: string
  /** The header: seconds. The other form, a date, is not used by the API server. */
  readonly retryAfter: string | undefined
}

/** An HTTP answer outside 2xx. The body is a Status, or whatever a proxy on the way says. */
export const reasonOfAnswer = (answer: Answer): Reason => {
  const status = Option.getOrElse(decodeText(answer.body), (): Status => ({}))
  const excerpt = answer.body
    .slice(0, excerptLength)
    .trim()
    .replaceAll(/\s*\n\s*/g, " ")
  const said = status.message || excerpt || `HTTP ${answer.code}`
  const isNotServed = answer.code === 404 && !isOfObject(status)
  const message = isNotServed
    ? `the API server serves no such resource (${said}): is its CustomResourceDefinition installed?`
    : said
  const seconds =
    answer.retryAfter !== undefined && /^\d+$/.test(answer.retryAfter) ? Number(answer.retryAfter) : undefined
  return reasonFor(answer.code, status, message, seconds)
}

/** The Status inside an ERROR event of a watch. Without a code it says nothing that could be acted on. */
export const reasonOfEvent = (object: unknown): Reason => {
  const status = Option.getOrElse(decode(object), (): Status => ({}))
  const message = status.message || "an ERROR event without a message"
  return typeof status.code === "number"
    ? reasonFor(status.code, status, message)
    : new Unintelligible({ message: `ERROR event without a code: ${message}` })
}
