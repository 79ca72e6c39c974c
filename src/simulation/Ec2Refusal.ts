/**
 * The answer of the simulated EC2 to one request: what was asked for, or an error code with a message.
 * Rule: a refused request has changed nothing, unless the transition that refuses says otherwise.
 */
import { Result } from "effect"

export interface Refusal {
  /** As in "Error codes for the Amazon EC2 API". */
  readonly code: string
  readonly message: string
}

export type Answer<A> = Result.Result<A, Refusal>

export const refuse = (code: string, message: string): Result.Result<never, Refusal> =>
  Result.fail({ code, message })

export const done: Answer<void> = Result.succeed(undefined)
