/**
 * One part of all the runs of a mode, tried one after the other.
 * Rule: which runs there are follows from the mode alone; the n-th of m parts takes every m-th of them.
 */
import { type Case, check, hit, pairsAfter, randomCase, singles } from "./Enumerate.ts"
import type { Violation } from "./Invariants.ts"
import { format } from "./Replay.ts"
import type { Run } from "./Run.ts"
import { shrink } from "./Shrink.ts"
import { orders, windows } from "./SmallWorld.ts"
import { byEventsAlone, find, type Workload, workloads } from "./Workload.ts"

export type Mode =
  | { readonly _tag: "singles" }
  | { readonly _tag: "pairs" }
  | { readonly _tag: "random"; readonly count: number; readonly seed: number }
  | { readonly _tag: "small-world"; readonly depth: number }

export interface Task {
  readonly mode: Mode
  /** By name; all when absent. */
  readonly workload: string | undefined
  readonly part: number
  readonly parts: number
}

export interface Found extends Violation {
  /** Read back by --replay. */
  readonly replay: string
}

/** What a part has done so far. */
export interface Progress {
  readonly units: number
  readonly runs: number
  /** Calls to the worlds that were made in all of them. */
  readonly calls: number
  readonly found: ReadonlyArray<Found>
  readonly pairs: ReadonlyArray<string>
  /** How many calls each run made. */
  readonly sizes: ReadonlyArray<number>
}

export const chosen = (name: string | undefined): ReadonlyArray<Workload> => {
  const one = name === undefined ? undefined : find(name)
  return one === undefined ? workloads : [one]
}

/**
 * What a mode is counted in: runs, or for pairs and orders what each of those begins with. Every workload once with each
 * timer taken away that could hide a lost wake, then every fault.
 */
const unitsOf = function* ({ mode, workload }: Pick<Task, "mode" | "workload">): Generator<Case> {
  const these = chosen(workload)
  if (mode._tag === "random") {
    for (let n = 0; n < mode.count; n++) yield randomCase(these, mode.seed, n)
    return
  }
  for (const one of these) {
    if (mode._tag === "singles" && one.needsSweeps !== true)
      yield { workload: byEventsAlone(one), choice: new Map() }
    yield* singles(one)
  }
}

/** How many units there are. */
export const countOf = ({ mode, workload }: Pick<Task, "mode" | "workload">): number => {
  switch (mode._tag) {
    case "random":
      return mode.count
    case "small-world":
      return windows(mode.depth)
    case "singles":
    case "pairs":
      return chosen(workload).reduce((sum, one) => sum + singles(one).length, 0)
  }
}

interface Made extends Case {
  readonly made: Run
  /** With this, so many units are done. */
  readonly units: number
}

/** The runs of one part, made one by one. */
const runsOf = function* (task: Task): Generator<Made> {
  const { mode, part, parts } = task
  if (mode._tag === "small-world") return yield* orders(mode.depth, part, parts)
  let n = 0
  let units = 0
  for (const unit of unitsOf(task)) {
    if (n++ % parts !== part) continue
    units += 1
    const first = check(unit.workload, unit.choice)
    yield { ...unit, units, made: first }
    if (mode._tag !== "pairs") continue
    for (const one of pairsAfter(unit, first)) yield { ...one, units, made: check(one.workload, one.choice) }
  }
}

export const explore = (task: Task, tell: (progress: Progress) => void): Progress => {
  const found: Array<Found> = []
  const pairs = new Set<string>()
  const sizes: Array<number> = []
  let done = 0
  let runs = 0
  let calls = 0
  let told = performance.now()
  const progress = (): Progress => ({ units: done, runs, calls, found, pairs: [...pairs], sizes })
  for (const { choice, made, units, workload } of runsOf(task)) {
    done = units
    const size = made.points.filter((p) => p.sort !== "event").length
    runs += 1
    calls += size
    sizes.push(size)
    for (const pair of hit(made)) pairs.add(pair)
    const [first] = made.violations
    if (first !== undefined)
      found.push({ ...first, replay: format(workload, shrink(workload, choice, first.invariant)) })
    if (performance.now() - told > 1_000) {
      told = performance.now()
      tell({ ...progress(), sizes: [] })
    }
  }
  return progress()
}
