/**
 * The writes whose replies are not there yet, by the key of their object.
 * Rule: one at a time for each object; what happens to it meanwhile is looked at when the write has ended, in the order
 * in which it came, however the write ends.
 */
import { Effect, Semaphore } from "effect"

interface UnderWay {
  readonly turn: Semaphore.Semaphore
  /** Under way or waiting for their turn. */
  writes: number
  waiting: Array<() => void>
}

export interface WritesUnderWay {
  readonly during: <A, E, R>(key: string, write: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** At once where no write is under way. */
  readonly whenSettled: (key: string, act: () => void) => void
}

export const make = (): WritesUnderWay => {
  const all = new Map<string, UnderWay>()

  const begin = (key: string): UnderWay => {
    const underWay = all.get(key) ?? { turn: Semaphore.makeUnsafe(1), writes: 0, waiting: [] }
    underWay.writes += 1
    all.set(key, underWay)
    return underWay
  }
  const settle = (underWay: UnderWay): void => {
    const { waiting } = underWay
    underWay.waiting = []
    for (const act of waiting) act()
  }
  const end = (key: string, underWay: UnderWay): void => {
    underWay.writes -= 1
    if (underWay.writes > 0) return
    all.delete(key)
    settle(underWay)
  }

  return {
    during: (key, write) =>
      Effect.acquireUseRelease(
        Effect.sync(() => begin(key)),
        (underWay) =>
          Semaphore.withPermits(
            underWay.turn,
            1
          )(
            Effect.ensuring(
              write,
              Effect.sync(() => settle(underWay))
            )
          ),
        (underWay) => Effect.sync(() => end(key, underWay))
      ),
    whenSettled: (key, act) => {
      const underWay = all.get(key)
      if (underWay === undefined) act()
      else underWay.waiting.push(act)
    }
  }
}
