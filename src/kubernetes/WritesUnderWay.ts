/**
 * The writes whose replies are not there yet, by the key of their object.
 * Rule: what is to happen to an object once its writes are settled happens then, in the order in which it came, however
 * they end.
 */
import { Effect } from "effect"

interface UnderWay {
  writes: number
  readonly waiting: Array<() => void>
}

export interface WritesUnderWay {
  readonly during: <A, E, R>(key: string, write: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** At once where no write is under way. */
  readonly whenSettled: (key: string, act: () => void) => void
}

export const make = (): WritesUnderWay => {
  const all = new Map<string, UnderWay>()

  const begin = (key: string): UnderWay => {
    const underWay = all.get(key) ?? { writes: 0, waiting: [] }
    underWay.writes += 1
    all.set(key, underWay)
    return underWay
  }
  const end = (key: string, underWay: UnderWay): void => {
    underWay.writes -= 1
    if (underWay.writes > 0) return
    all.delete(key)
    for (const act of underWay.waiting) act()
  }

  return {
    during: (key, write) =>
      Effect.acquireUseRelease(
        Effect.sync(() => begin(key)),
        () => write,
        (underWay) => Effect.sync(() => end(key, underWay))
      ),
    whenSettled: (key, act) => {
      const underWay = all.get(key)
      if (underWay === undefined) act()
      else underWay.waiting.push(act)
    }
  }
}
