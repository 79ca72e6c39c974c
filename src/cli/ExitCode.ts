/**
 * How the process ends.
 * Rule: 0 after a clean stop (a signal included), 2 for wrong usage, 1 for anything else.
 */
import { Cause, Exit, Runtime } from "effect"

export const ExitCode = { clean: 0, failure: 1, usage: 2 } as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/**
 * For `runMain`, whose own teardown answers a signal with 130: Kubernetes would show every rollout as a
 * failure. A command that succeeds says its code; errors choose theirs with `Runtime.errorExitCode`.
 */
export const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isSuccess(exit)) return onExit(typeof exit.value === "number" ? exit.value : ExitCode.clean)
  return Cause.hasInterruptsOnly(exit.cause) ? onExit(ExitCode.clean) : Runtime.defaultTeardown(exit, onExit)
}
