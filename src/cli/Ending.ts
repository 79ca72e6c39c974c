/**
 * Why the operator ends, said in its own log.
 * Rule: the last entry has the form of all others: an expected failure is its one line, a defect has its cause.
 */
import { Cause, Effect, Option } from "effect"
import { ExitCode } from "./ExitCode.ts"

/** Logs what ends the program and answers with its exit code; an interruption (a signal) goes on as one. */
export const logged = <A, E, R>(
  program: Effect.Effect<A, E, R>
): Effect.Effect<A | typeof ExitCode.failure, E, R> =>
  Effect.catchCause(
    Effect.onInterrupt(program, () => Effect.logInfo("Stopped")),
    (cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
      const isExpected = failure instanceof Error && !Cause.hasDies(cause)
      return Effect.as(Effect.logError(isExpected ? failure.message : cause), ExitCode.failure)
    }
  )
