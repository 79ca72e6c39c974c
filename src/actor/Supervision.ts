/**
 * How many defects are too many.
 * Rule: one broken object must not end the process, a broken program must: counted over all actors, in a window.
 */
import { type Clock, Deferred, Duration, type Effect, Exit, Schema } from "effect"

/** Supervision gave up. */
export class Escalated extends Schema.TaggedError<Escalated>()("Escalated", {
  message: Schema.String
}) {}

export interface Intensity {
  /** More than this many defects, over all actors, ... */
  readonly defects: number
  /** ... within this time, escalate. */
  readonly within: Duration.Duration
}

/** Pure: the times of the defects that count after one more at `now`; all in milliseconds. */
export const counting = (intensity: Intensity, earlier: ReadonlyArray<number>, now: number) => {
  const since = now - Duration.toMillis(intensity.within)
  return [...earlier.filter((at) => at >= since), now]
}

export interface Supervision {
  /** An actor broke; `where` names it. */
  readonly broke: (where: string) => void
  /** What all actors rest on broke. */
  readonly fatal: (message: string) => void
  /** Fails when supervision gives up; never ends otherwise. */
  readonly escalated: Effect.Effect<never, Escalated>
}

export const make = (intensity: Intensity, clock: Clock.Clock): Supervision => {
  const escalated = Deferred.makeUnsafe<never, Escalated>()
  let counted: ReadonlyArray<number> = []
  const fatal = (message: string): void => {
    Deferred.doneUnsafe(escalated, Exit.fail(new Escalated({ message })))
  }
  return {
    broke: (where) => {
      counted = counting(intensity, counted, Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n))
      if (counted.length <= intensity.defects) return
      fatal(`${counted.length} defects within ${Duration.format(intensity.within)}, the last one in ${where}`)
    },
    fatal,
    escalated: Deferred.await(escalated)
  }
}
