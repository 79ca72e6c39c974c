/**
 * The arithmetic of one request bucket: tokens that come back with time, and a share of them that shrinks when
 * EC2 refuses all the same and grows again.
 * Rule: pure but for its own count; time comes in as milliseconds and never runs backwards in here.
 */
import type { Bucket } from "./Buckets.ts"

/**
 * A refusal shrinks the part of the bucket that is used by so much, once for all requests that were under way when it
 * last shrank, ...
 */
export const shrink = 0.9
/** ... down to this much of it, ... */
export const leastPart = 0.2
/**
 * ... and each request that is let through gives so much of the whole back. The two balance where somewhat more than every fourth
 * request is refused: fewer are chance, and slowing down would not make them fewer; where others really use most of
 * the bucket, about every second is refused, and all that is left is used.
 */
export const regrowth = 0.04
/** Without requests it comes back with time: once nothing was refused for so long, ... */
export const quiet = 5_000
/** ... by this much of the whole a second. */
export const recoveryPerSecond = 0.05

/**
 * Requests travel for different times, so EC2 sees them closer together than they were sent: of the account's bucket,
 * what refills within so many seconds is left in it.
 */
export const spread = 0.1

/** A token is whole, give or take what adding fractions loses. */
const whole = 1 - 1e-9

export interface TokenBucket {
  readonly capacity: number
  readonly tokens: (now: number) => number
  readonly tryTake: (now: number) => boolean
  /** A token that was taken and not used. */
  readonly giveBack: () => void
  /** EC2 let a request through. */
  readonly admitted: (now: number) => void
  /** EC2 says that it is empty, to a request sent at `sentAt`: others use the account too. */
  readonly refused: (now: number, sentAt: number) => void
  /** Milliseconds, whole, until a token is there if nothing is refused meanwhile. */
  readonly millisToNext: (now: number) => number
}

/** `share`: of the account's bucket, from 0 (excluded) to 1. */
export const make = (bucket: Bucket, share: number, now: number): TokenBucket => {
  // A share of less than one request could never send any.
  const capacity = Math.max(1, Math.min(bucket.capacity * share, bucket.capacity - bucket.refill * spread))
  const refill = bucket.refill * share
  let tokens = capacity
  let part = 1
  let updatedAt = now
  let refusedAt = Number.NEGATIVE_INFINITY

  const limit = () => Math.max(1, capacity * part)
  const update = (at: number): void => {
    const seconds = Math.max(0, at - updatedAt) / 1000
    if (seconds === 0) return
    tokens = Math.min(limit(), tokens + seconds * refill * part)
    const recovering = Math.max(0, at - Math.max(updatedAt, refusedAt + quiet)) / 1000
    part = Math.min(1, part + recovering * recoveryPerSecond)
    updatedAt = at
  }

  return {
    capacity,
    tokens: (at) => {
      update(at)
      return Math.max(0, Math.floor(tokens + 1 - whole))
    },
    tryTake: (at) => {
      update(at)
      if (tokens < whole) return false
      tokens -= 1
      return true
    },
    giveBack: () => {
      tokens = Math.min(limit(), tokens + 1)
    },
    admitted: (at) => {
      update(at)
      part = Math.min(1, part + regrowth)
    },
    refused: (at, sentAt) => {
      update(at)
      tokens = 0
      if (sentAt <= refusedAt) return
      refusedAt = at
      part = Math.max(leastPart, part * shrink)
    },
    millisToNext: (at) => {
      update(at)
      return tokens >= whole ? 0 : Math.max(1, Math.ceil(((whole - tokens) / (refill * part)) * 1000))
    }
  }
}
