/**
 * Whose turn it is to write an object.
 * Rule: one write at a time for each, in the order in which they were asked for; at rest nothing is kept.
 */
import { Effect, Semaphore } from "effect"

interface Turn {
  readonly semaphore: Semaphore.Semaphore
  /** Writing, or waiting for their turn. */
  writers: number
}

export interface Turns {
  readonly take: <A, E, R>(key: string, write: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const make = (): Turns => {
  const turns = new Map<string, Turn>()
  return {
    take: (key, write) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const turn = turns.get(key) ?? { semaphore: Semaphore.makeUnsafe(1), writers: 0 }
          turn.writers += 1
          turns.set(key, turn)
          return turn
        }),
        ({ semaphore }) => Semaphore.withPermits(semaphore, 1)(write),
        (turn) =>
          Effect.sync(() => {
            turn.writers -= 1
            if (turn.writers === 0) turns.delete(key)
          })
      )
  }
}
