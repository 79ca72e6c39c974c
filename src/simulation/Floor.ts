/**
 * The least time in which EC2 lets a number of calls be made.
 * Rule: per action max(0, (calls - capacity) / refill) with every bucket full at the start; the slowest decides.
 */
import { bucketOf } from "../ec2/Buckets.ts"

/** Seconds; `calls` by EC2 action, `share` of the buckets that is used. */
export const floorSeconds = (calls: Readonly<Record<string, number>>, share = 1): number =>
  Math.max(
    0,
    ...Object.entries(calls).map(([action, count]) => {
      const { capacity, refill } = bucketOf(action)
      return Math.max(0, (count - capacity * share) / (refill * share))
    })
  )
