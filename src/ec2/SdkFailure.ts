/**
 * What the AWS SDK throws -> our reason.
 * Rule: only an answer of EC2 with a code says what happened; whatever came without one, or cannot be read, leaves
 * the outcome of a write unknown; what failed before anything was sent says so.
 */
import { fromCode, type Reason, ServerFault, Unreachable } from "./Ec2Error.ts"

/** Names of the errors of the credential chain (@smithy/property-provider): nothing was signed, nothing sent. */
const unsigned = /^(CredentialsProviderError|TokenProviderError|ProviderError)$/

const statusOf = (cause: Error): number | undefined => {
  const metadata: unknown = "$metadata" in cause ? cause.$metadata : undefined
  return typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata
    ? Number(metadata.httpStatusCode)
    : undefined
}

const systemCodeOf = (cause: Error): string => ("code" in cause ? String(cause.code) : "")

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").trim()

export const reasonOf = (cause: unknown): Reason => {
  if (!(cause instanceof Error)) return new Unreachable({ message: oneLine(String(cause)) })
  if (unsigned.test(cause.name)) return fromCode(cause.name, oneLine(cause.message))
  const status = statusOf(cause)
  // The SDK gives EC2's code as the name; one that cannot be read in the answer it calls unknown.
  const isReadable = status !== undefined && status >= 400 && !/^(Unknown|UnknownError|Error|SyntaxError|TypeError)$/.test(cause.name)
  if (isReadable) {
    const reason = fromCode(cause.name, oneLine(cause.message))
    return reason._tag === "Unrecognised" && status >= 500
      ? new ServerFault({ code: reason.code, message: reason.message })
      : reason
  }
  if (status !== undefined && status >= 500) {
    return new ServerFault({ code: `HTTP ${status}`, message: "the answer cannot be read" })
  }
  const code = systemCodeOf(cause)
  const what = code === "" || cause.message.includes(code) ? cause.message : `${code} ${cause.message}`
  return new Unreachable({ message: oneLine(`${cause.name}: ${what}`) })
}
