/**
 * Wrong usage of the command line or of an environment variable.
 * Rule: the message is one line that names what was given and what is taken; the process ends with code 2.
 */
import { Runtime, Schema } from "effect"
import { ExitCode } from "./ExitCode.ts"

export class OptionsError extends Schema.TaggedError<OptionsError>()("OptionsError", {
  message: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = ExitCode.usage
  /** The one line is written where the command line is read; runMain must not log it a second time. */
  override readonly [Runtime.errorReported] = false
}

/** Quotes what a user wrote so that it stays on one line. */
export const quote = (text: string): string =>
  JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")
