/**
 * The request buckets of the simulated account: a request takes a token or is refused; nothing queues.
 * Rule: pure; what others in the account use is gone from capacity and refill alike.
 * Source: "Request throttling for the Amazon EC2 API", token bucket algorithm.
 */
import type { Bucket } from "../ec2/Buckets.ts"

/** How full a bucket was at a time (epoch milliseconds). */
export interface Level {
  readonly tokens: number
  readonly at: number
}

/** What is left of a bucket to us while others use `othersShare` of it. */
export const leftToUs = (bucket: Bucket, othersShare: number): Bucket => ({
  capacity: bucket.capacity * (1 - othersShare),
  refill: bucket.refill * (1 - othersShare)
})

/** Full where nothing was taken yet. */
export const tokensAt = (bucket: Bucket, level: Level | undefined, at: number): number =>
  level === undefined
    ? bucket.capacity
    : Math.min(bucket.capacity, level.tokens + (Math.max(0, at - level.at) / 1_000) * bucket.refill)

/** Whole tokens only: 0.9 of one admits nobody. The margin absorbs the rounding of many small refills. */
const one = 1 - 1e-9

/** The level after taking one token, or undefined when there is none. */
export const take = (bucket: Bucket, level: Level | undefined, at: number): Level | undefined => {
  const tokens = tokensAt(bucket, level, at)
  return tokens >= one ? { tokens: Math.max(0, tokens - 1), at } : undefined
}

/** The level after others took `tokens`, or as many as there are. */
export const drain = (bucket: Bucket, level: Level | undefined, at: number, tokens: number): Level => ({
  tokens: Math.max(0, tokensAt(bucket, level, at) - tokens),
  at
})
