/**
 * The smallest choice of faults that still breaks the same invariant.
 * Rule: faults are left out one by one; what is left, every one is needed.
 */
import { check } from "./Enumerate.ts"
import type { Choice } from "./Run.ts"
import type { Workload } from "./Workload.ts"

export const shrink = (workload: Workload, choice: Choice, invariant: string): Choice => {
  for (const n of choice.size === 1 ? [] : choice.keys()) {
    const fewer = new Map([...choice].filter(([m]) => m !== n))
    if (check(workload, fewer).violations.some((v) => v.invariant === invariant)) {
      return shrink(workload, fewer, invariant)
    }
  }
  return choice
}
