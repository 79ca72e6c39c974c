/**
 * How the process ends.
 * Rule: 0 after a clean stop (of the operator: a signal included), 2 for wrong usage, 128 and its number for a signal
 * that cuts a command short, 1 for anything else.
 */
import { constants } from "node:os"
import { Cause, Exit, Runtime } from "effect"

export const ExitCode = { clean: 0, failure: 1, usage: 2 } as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** As shells tell of a process that a signal has ended: 130 for SIGINT, 143 for SIGTERM. */
export const ofSignal = (name: NodeJS.Signals): number => 128 + constants.signals[name]

/** For `runMain`. A command that succeeds says its code; errors choose theirs with `Runtime.errorExitCode`. */
const teardownWith =
  (ofInterruption: () => number): Runtime.Teardown =>
  (exit, onExit) => {
    if (Exit.isSuccess(exit)) return onExit(typeof exit.value === "number" ? exit.value : ExitCode.clean)
    return Cause.hasInterruptsOnly(exit.cause)
      ? onExit(ofInterruption())
      : Runtime.defaultTeardown(exit, onExit)
  }

/** Of the operator, which runs until it is told to end: otherwise Kubernetes would show every rollout as a failure. */
export const teardown: Runtime.Teardown = teardownWith(() => ExitCode.clean)

/** Of a command that ends by itself: cut short it has not done what it was asked for. `signal` is what came. */
export const teardownOf = (signal: () => NodeJS.Signals | undefined): Runtime.Teardown =>
  teardownWith(() => ofSignal(signal() ?? "SIGINT"))
