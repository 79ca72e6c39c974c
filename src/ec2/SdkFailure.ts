/**
 * What the AWS SDK throws -> our reason.
 * Rule: only an answer with a code says what happened; whatever came without one, or cannot be read, leaves the
 * outcome of a write unknown; what failed before anything was sent says so.
 */
import { fromCode, type Reason, ServerFault, Unreachable } from "./Ec2Error.ts"

/** Of the credential chain (@smithy/property-provider): nothing was signed, so nothing was sent. */
const unsigned = /^(CredentialsProviderError|TokenProviderError|ProviderError)$/

/** The HTTP status the SDK notes on what it throws after an answer came. */
const statusOf = (cause: Error): number | undefined => {
  const metadata: unknown = "$metadata" in cause ? cause.$metadata : undefined
  return typeof metadata === "object" &&
    metadata !== null &&
    "httpStatusCode" in metadata &&
    typeof metadata.httpStatusCode === "number"
    ? metadata.httpStatusCode
    : undefined
}

/** A service's own exception has its code as the name; "Unknown" where the answer has none. */
const isCoded = (cause: Error): boolean => "$fault" in cause && cause.name !== "Unknown"

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").trim()

export const reasonOf = (cause: unknown): Reason => {
  if (!(cause instanceof Error)) return new Unreachable({ message: oneLine(String(cause)) })
  const message = oneLine(cause.message)
  if (unsigned.test(cause.name)) return fromCode(cause.name, message)
  const systemCode = "code" in cause ? String(cause.code) : ""
  const status = statusOf(cause)
  if (status === undefined) {
    const what = systemCode === "" || message.includes(systemCode) ? message : `${systemCode} ${message}`
    return new Unreachable({ message: what })
  }
  if (!isCoded(cause)) {
    const unreadable = `HTTP ${status} with an answer that cannot be read`
    return status >= 500
      ? new ServerFault({ code: `HTTP ${status}`, message: unreadable })
      : new Unreachable({ message: systemCode === "" ? unreadable : `${unreadable}: ${systemCode}` })
  }
  const reason = fromCode(cause.name, message)
  // A code that nobody listed, with a status that says the fault is not ours.
  return reason._tag === "Unrecognised" && status >= 500
    ? new ServerFault({ code: cause.name, message })
    : reason
}
