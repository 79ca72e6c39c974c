/**
 * What a typed failure turns into: how long the actor waits before it tries again.
 * Rule: decided by a pure function of the error; counted failures and randomness come in here and only here.
 */
import { Duration } from "effect"

interface Said {
  readonly note: string | undefined
  /** Waiting like this is nothing that somebody must know of. */
  readonly isQuiet: boolean
}

/** On fresh state; a second failure in a row already backs off. */
interface AtOnce extends Said {
  readonly _tag: "AtOnce"
}
/** Doubling from 100 ms to 5 min, forgotten on success; never below `atLeast`, nor above `atMost`. */
interface BackOff extends Said {
  readonly _tag: "BackOff"
  readonly atLeast: Duration.Duration
  readonly atMost: Duration.Duration
}
/** That long within a tenth, whatever came before. */
interface After extends Said {
  readonly _tag: "After"
  readonly duration: Duration.Duration
}

export type Retry = AtOnce | BackOff | After

const first = 100
const cap = 300_000

/** What has failed so often, and waits so long (milliseconds), does not pass in a moment. */
const persistent = { failures: 2, wait: 1_000 }

interface Noted {
  readonly note?: string
  readonly isQuiet?: boolean
}

const said = ({ isQuiet = false, note }: Noted): Said => ({ note, isQuiet })

export const atOnce = (o: Noted = {}): Retry => ({ _tag: "AtOnce", ...said(o) })

export const backOff = (
  o: Noted & { readonly atLeast?: Duration.Input; readonly atMost?: Duration.Input } = {}
): Retry => ({
  _tag: "BackOff",
  atLeast: Duration.fromInputUnsafe(o.atLeast ?? Duration.zero),
  atMost: Duration.fromInputUnsafe(o.atMost ?? cap),
  ...said(o)
})

export const after = (duration: Duration.Input, o: Noted = {}): Retry => ({
  _tag: "After",
  duration: Duration.fromInputUnsafe(duration),
  ...said(o)
})

/**
 * Whether the failure belongs where people look, and not only where it is searched for: what only a person can put
 * right (no back-off would help), and what does not pass.
 *
 * @param failures how many runs in a row failed before this one
 */
export const isWorthSaying = (retry: Retry, failures: number): boolean =>
  !retry.isQuiet &&
  (retry._tag === "After" ||
    (failures >= persistent.failures && rangeOf(retry, failures).high >= persistent.wait))

/** Both in milliseconds; what is between them is left to chance: a crowd that failed together must not return so. */
interface Range {
  readonly low: number
  readonly high: number
}

const doubling = (failures: number, least = 0, most = cap): Range => {
  const full = Math.min(most, cap, Math.max(first, least) * 2 ** Math.min(failures, 32))
  const low = Math.max(least, full / 2)
  return { low, high: Math.max(low, Math.min(most, cap, Math.max(full, low * 1.5))) }
}

const rangeOf = (retry: Retry, failures: number): Range => {
  switch (retry._tag) {
    case "AtOnce":
      return failures === 0 ? { low: 0, high: 0 } : doubling(failures - 1)
    case "BackOff":
      return doubling(failures, Duration.toMillis(retry.atLeast), Duration.toMillis(retry.atMost))
    case "After": {
      const millis = Duration.toMillis(retry.duration)
      return { low: millis * 0.9, high: millis * 1.1 }
    }
  }
}

/**
 * Milliseconds to wait; 0 for the first failure that is tried again at once, never below 50 otherwise: no policy
 * makes an actor spin.
 *
 * @param failures how many runs in a row failed before this one
 * @param random from 0 (included) to 1 (excluded)
 */
export const delay = (retry: Retry, failures: number, random: number): number => {
  const { high, low } = rangeOf(retry, failures)
  if (high === 0 && retry._tag === "AtOnce") return 0
  // An endless wait has no width.
  return Math.max(first / 2, low === high ? low : low + (high - low) * random)
}
