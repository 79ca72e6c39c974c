/**
 * Which runs there are: every single fault, pairs, and what a seed draws.
 * Rule: the calls are those of the run so far; a fault changes what comes after it and nothing before.
 */
import { type Outcome, outcomesOf, pair } from "../../src/simulation/faults/Outcome.ts"
import * as Draw from "../Draw.ts"
import { allowanceOf } from "./Allowance.ts"
import { type Choice, drawn, type Options, type Run, run } from "./Run.ts"
import { chain, chainable, type Workload } from "./Workload.ts"

export interface Case {
  readonly workload: Workload
  readonly choice: Choice
}

/** A variant of a workload has its name and is another one. */
const plain = new Map<Workload, Run>()

/** The run without faults. */
export const faultless = (workload: Workload): Run => {
  const known = plain.get(workload)
  if (known !== undefined) return known
  const made = run(workload, new Map())
  plain.set(workload, made)
  return made
}

export const singles = (workload: Workload): ReadonlyArray<Case> =>
  faultless(workload).points.flatMap((point) =>
    outcomesOf(point).map((outcome) => ({ workload, choice: new Map([[point.n, outcome]]) }))
  )

/**
 * One of each way in which a second fault can meet what the first one began: the process dies before or after a write,
 * a write is done and not heard of, or not done; a read fails, or is behind; a watch begins anew.
 */
const second: ReadonlySet<Outcome> = new Set([
  "crash before",
  "crash after",
  "lost answer",
  "500",
  "InternalError",
  "behind by 1",
  "dropped"
])

/** The second fault strikes at one of so many calls and events after the first. */
const following = 6

/**
 * After a single fault, whose run is given, a second one at each of the calls that follow: of what the first one leaves
 * behind, these are the ones that deal with it. Later, things are as they would be without it, and a fault is a single
 * one again.
 */
export const pairsAfter = ({ choice, workload }: Case, { points }: Run): ReadonlyArray<Case> => {
  const [first] = choice
  if (first === undefined) return []
  const [n] = first
  return points.slice(n + 1, n + 1 + following).flatMap((point) =>
    outcomesOf(point)
      .filter((outcome) => second.has(outcome))
      .map((outcome) => ({ workload, choice: new Map([first, [point.n, outcome]]) }))
  )
}

/** A run, held against the one without faults as well. */
export const check = (workload: Workload, choice: Choice, o: Options = {}): Run => {
  const wanted = faultless(workload)
  const made = run(workload, choice, o)
  const found = [...made.violations]
  const add = (invariant: string, what: string) => found.push({ invariant, at: made.took, what })
  const isComparable = workload.isRace !== true && !made.endsOtherwise
  if (isComparable && made.end !== wanted.end) add("differential", differences(made.end, wanted.end))
  const allowed =
    wanted.attachments +
    made.met.reduce((sum, [{ name }, outcome]) => sum + allowanceOf(name, outcome).attachments, 0)
  if (workload.isRace !== true && made.attachments > allowed)
    add("4 no flapping", `${made.attachments} attachments and detachments, and ${allowed} would do`)
  return { ...made, violations: found }
}

const differences = (end: string, wanted: string): string => {
  const is = end.split("\n")
  const was = wanted.split("\n")
  const more = is.filter((line) => !was.includes(line)).join("; ")
  const less = was.filter((line) => !is.includes(line)).join("; ")
  return `it ends otherwise than without faults: ${more || "nothing"} instead of ${less || "nothing"}`
}

/** The (call, outcome) pairs that a run met. */
export const hit = (made: Run): ReadonlyArray<string> =>
  made.met.map(([point, outcome]) => pair(point.name, outcome))

/** A run without faults makes so many calls to the worlds at least. */
const leastCalls = 78
const callsOf = (workload: Workload): number =>
  faultless(workload).points.filter((p) => p.sort !== "event").length

/** So many different chains: each is run without faults once, to be compared with. */
const differentChains = 200
const chains = new Map<number, Workload>()

/** Workloads one after the other until enough calls are made. */
const drawChain = (draw: Draw.Draw): Workload => {
  const parts: Array<Workload> = []
  for (;;) {
    const next = draw.among(chainable)
    if (next === undefined) throw new Error("no workload can follow another")
    parts.push(next)
    const workload = parts.length === 1 ? next : chain(parts)
    if (parts.length === 4 || callsOf(workload) >= leastCalls) return workload
  }
}
const nthChain = (n: number): Workload => {
  const known = chains.get(n)
  if (known !== undefined) return known
  const made = drawChain(Draw.make(n))
  chains.set(n, made)
  return made
}

/** The n-th of a seed: a chain of workloads, or one that stands alone, with three to five faults anywhere in it. */
export const randomCase = (workloads: ReadonlyArray<Workload>, seed: number, n: number): Case => {
  const draw = Draw.make(seed * 1_000_003 + n)
  const alone = workloads.length === 1 ? workloads : workloads.filter((w) => !chainable.includes(w))
  const isAlone = draw.below(10) === 0 || workloads.length === 1
  const workload = isAlone ? draw.among(alone) : nthChain(draw.below(differentChains))
  if (workload === undefined) throw new Error("no workload")
  // A little beyond what it does without faults: they make it longer.
  const length = Math.ceil(faultless(workload).points.length * 1.1)
  const choice = new Map<number, Outcome>()
  for (let faults = 3 + draw.below(3); faults > 0; faults--)
    choice.set(draw.below(length), drawn(draw.below(1_000)))
  return { workload, choice }
}
