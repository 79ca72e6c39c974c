/**
 * What a typed failure turns into: how long the actor waits before it tries again.
 * Rule: decided by a pure function of the error; counted failures and randomness come in here and only here.
 */
import { Duration } from "effect"

export type Retry =
  /** On fresh state; a second failure in a row already backs off. */
  | { readonly _tag: "AtOnce"; readonly note: string | undefined }
  /** Doubling from 100 ms to 5 min, forgotten on success; never below `atLeast`, nor above `atMost`. */
  | {
      readonly _tag: "BackOff"
      readonly atLeast: Duration.Duration
      readonly atMost: Duration.Duration
      readonly note: string | undefined
    }
  /** That long, whatever came before. */
  | { readonly _tag: "After"; readonly duration: Duration.Duration; readonly note: string | undefined }

const first = 100
const cap = 300_000

interface Noted {
  readonly note?: string
}

export const atOnce = (o: Noted = {}): Retry => ({ _tag: "AtOnce", note: o.note })

export const backOff = (
  o: Noted & { readonly atLeast?: Duration.Input; readonly atMost?: Duration.Input } = {}
): Retry => ({
  _tag: "BackOff",
  atLeast: Duration.fromInputUnsafe(o.atLeast ?? Duration.zero),
  atMost: Duration.fromInputUnsafe(o.atMost ?? cap),
  note: o.note
})

export const after = (duration: Duration.Input, o: Noted = {}): Retry => ({
  _tag: "After",
  duration: Duration.fromInputUnsafe(duration),
  note: o.note
})

/** Doubling; half of it is left to chance, so that a crowd that failed together does not return together. */
const doubling = (from: number, failures: number, random: number): number =>
  Math.min(cap, from * 2 ** Math.min(failures, 32)) * (0.5 + random / 2)

/**
 * Milliseconds to wait.
 *
 * @param failures how many runs in a row failed before this one
 * @param random from 0 (included) to 1 (excluded)
 */
export const delay = (retry: Retry, failures: number, random: number): number => {
  switch (retry._tag) {
    case "AtOnce":
      return failures === 0 ? 0 : doubling(first, failures - 1, random)
    case "BackOff": {
      const least = Duration.toMillis(retry.atLeast)
      const most = Duration.toMillis(retry.atMost)
      return Math.max(least, Math.min(most, doubling(Math.max(first, least), failures, random)))
    }
    case "After":
      return Duration.toMillis(retry.duration) * (0.9 + 0.2 * random)
  }
}
