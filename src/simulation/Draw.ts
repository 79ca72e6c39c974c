/**
 * Chance in the pretend worlds: everything that may come out one way or another is drawn here.
 * Rule: the same seed gives the same draws in the same order; nothing is drawn where there is no choice.
 */
import { Effect, Random } from "effect"

/** A span of whole numbers, both ends included; of milliseconds wherever it is a time. */
export interface Span {
  readonly min: number
  readonly max: number
}

export const never: Span = { min: 0, max: 0 }
export const exactly = (n: number): Span => ({ min: n, max: n })

export interface Draw {
  /** A whole number: no clock tells less than a millisecond, and sums of fractions depend on their order. */
  readonly between: (span: Span) => number
  /** True `probability` of the time: always at 1, never at 0. */
  readonly chance: (probability: number) => boolean
  readonly shuffle: <A>(list: ReadonlyArray<A>) => ReadonlyArray<A>
}

export const make = Effect.fnUntraced(function* (seed: string | number): Effect.fn.Return<Draw> {
  const random = yield* Random.withSeed(Effect.service(Random.Random), seed)
  const below = (n: number) => Math.floor(random.nextDoubleUnsafe() * n)
  return {
    between: ({ min, max }) => (max <= min ? min : min + below(max - min + 1)),
    chance: (probability) => probability >= 1 || (probability > 0 && random.nextDoubleUnsafe() < probability),
    shuffle: (list) => {
      const shuffled = [...list]
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = below(i + 1)
        const [a, b] = [shuffled[i], shuffled[j]]
        if (a !== undefined && b !== undefined) {
          shuffled[i] = b
          shuffled[j] = a
        }
      }
      return shuffled
    }
  }
})
