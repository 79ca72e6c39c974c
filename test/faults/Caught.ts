/**
 * Whether the harness notices a broken operator, and by which invariant.
 * Rule: the same runs and the same invariants as for the good one.
 */
import { check, faultless } from "./Enumerate.ts"
import type { Violation } from "./Invariants.ts"
import { type Mutant, mutants } from "./Mutants.ts"
import { type Choice, type Options, run } from "./Run.ts"
import { byEventsAlone, find, type Workload } from "./Workload.ts"
import type { Breakage } from "./World.ts"

/** The fault at the first call of that name, where this operator makes it. */
const choiceFor = (workload: Workload, { fault, name }: Mutant, breakage: Breakage | undefined): Choice => {
  if (fault === undefined) return new Map()
  const [call, outcome] = fault
  const options: Options = breakage === undefined ? {} : { breakage, skipRest: true }
  const made = breakage === undefined ? faultless(workload) : run(workload, new Map(), options)
  const point = made.points.find((p) => p.name === call)
  if (point === undefined) throw new Error(`${name}: ${call} is never made`)
  return new Map([[point.n, outcome]])
}

export const firstViolation = (mutant: Mutant): Violation | undefined => {
  const { breakage, name } = mutant
  const workload = find(mutant.workload)
  if (workload === undefined) throw new Error(`${name}: there is no workload ${mutant.workload}`)
  // What the good operator does under the same fault is beyond reproach: the harness accuses nobody else.
  const good = check(workload, choiceFor(workload, mutant, undefined)).violations[0]
  if (good !== undefined) throw new Error(`${name}: the good operator breaks ${good.invariant}: ${good.what}`)
  const broken = check(workload, choiceFor(workload, mutant, breakage), { breakage })
  // A lost wake hides behind a sweep: without one, it shows.
  const isHidden = broken.violations.length === 0 && mutant.fault === undefined
  return isHidden ? run(byEventsAlone(workload), new Map(), { breakage }).violations[0] : broken.violations[0]
}

export interface Judged {
  readonly name: string
  /** The first that caught it; absent: none did. */
  readonly invariant: string | undefined
}

export const judgeAll = (tell: (done: number, all: number) => void): ReadonlyArray<Judged> =>
  mutants.map((mutant, n) => {
    if (n % 10 === 0) tell(n, mutants.length)
    return { name: mutant.name, invariant: firstViolation(mutant)?.invariant }
  })
