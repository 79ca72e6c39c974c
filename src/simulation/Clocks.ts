/**
 * Clocks for the pretend worlds: one that never waits, one that runs so many times faster than real time.
 * Rule: both tell world time from the same moment on, so that what is told of a run does not depend on the day.
 */
import { type Clock, Duration, Effect } from "effect"

/** Where world time begins. */
export const epoch = Date.parse("2026-01-01T00:00:00Z")

/** A clock that tells what `millis` tells; how it sleeps is its own. */
export const clockOf = (
  millis: () => number,
  sleep: (duration: Duration.Duration) => Effect.Effect<void>
): Clock.Clock => {
  const nanos = () => BigInt(Math.round(millis() * 1_000_000))
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep
  }
}

/** World time passes `speed` times as fast as real time. */
export const scaled = (speed: number): Clock.Clock => {
  const began = performance.now()
  const millis = () => epoch + Math.floor((performance.now() - began) * speed)
  return clockOf(millis, (duration) =>
    Effect.callback((resume) => {
      const real = Math.min(Duration.toMillis(duration) / speed, 2 ** 31 - 1)
      const timer = setTimeout(() => resume(Effect.void), real)
      return Effect.sync(() => clearTimeout(timer))
    })
  )
}

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

/** Turns of the event loop after which nothing is runnable that does not wait for this clock. */
const turns = 8

export interface Virtual {
  readonly clock: Clock.Clock
  /** Ends it: nothing sleeps on. */
  readonly stop: () => void
}

/** Time jumps to the next sleeper as soon as everything runnable has run. */
export const virtual = (): Virtual => {
  let now = epoch
  let order = 0
  let idleTurns = 0
  let isStopped = false
  const sleepers: Array<Sleeper> = []

  /** Latest first, so that the next is popped; of equal ones, the first to sleep is the first to wake. */
  const insert = (sleeper: Sleeper): void => {
    let low = 0
    let high = sleepers.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = sleepers[middle]
      if (
        other !== undefined &&
        (other.at > sleeper.at || (other.at === sleeper.at && other.order > sleeper.order))
      ) {
        low = middle + 1
      } else high = middle
    }
    sleepers.splice(low, 0, sleeper)
  }

  const turn = (): void => {
    if (isStopped) return
    idleTurns += 1
    if (idleTurns >= turns) {
      const next = sleepers.pop()
      if (next !== undefined) {
        idleTurns = 0
        now = Math.max(now, next.at)
        next.wake()
      }
    }
    setImmediate(turn)
  }
  setImmediate(turn)

  return {
    clock: clockOf(
      () => now,
      (duration) =>
        Effect.callback((resume) => {
          order += 1
          const sleeper: Sleeper = {
            at: now + Math.max(0, Duration.toMillis(duration)),
            order,
            wake: () => resume(Effect.void)
          }
          insert(sleeper)
          return Effect.sync(() => {
            const i = sleepers.indexOf(sleeper)
            if (i >= 0) sleepers.splice(i, 1)
          })
        })
    ),
    stop: () => {
      isStopped = true
    }
  }
}
