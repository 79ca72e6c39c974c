/**
 * The least time that EC2 and one node's own chain of calls allow.
 * Rule: pure; every bound of the convergence targets is computed here.
 */
import { bucketOf } from "../../src/ec2/Buckets.ts"
import { apiLatency, ec2Latency } from "./VirtualWorld.ts"

/**
 * One node's serial chain at the highest latencies, in seconds: the object made, the intent to buy, AllocateAddress,
 * the address in status, AssociateAddress, the label.
 */
export const chain = (4 * apiLatency.max + 2 * ec2Latency.max) / 1_000

/**
 * Seconds until the last of `count` calls of one action can be sent, with a full bucket of which `part` is left to us.
 */
export const floorOf = (action: string, count: number, part = 1): number => {
  const { capacity, refill } = bucketOf(action)
  return Math.max(0, (count - capacity * part) / (refill * part))
}
