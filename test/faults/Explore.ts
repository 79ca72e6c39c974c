/**
 * One part of all the runs of a mode, tried one after the other.
 * Rule: which runs there are follows from the mode alone; the n-th of m parts takes every m-th of them.
 */
import { type Case, check, hit, pairsOf, randomCase, singles } from "./Enumerate.ts"
import type { Violation } from "./Invariants.ts"
import { format } from "./Replay.ts"
import type { Run } from "./Run.ts"
import { shrink } from "./Shrink.ts"
import { orders } from "./SmallWorld.ts"
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

/** Once with every timer that could hide a lost wake taken away, then every fault. */
const casesOf = function* ({ mode, workload }: Pick<Task, "mode" | "workload">): Generator<Case> {
  const these = chosen(workload)
  switch (mode._tag) {
    case "singles":
      for (const one of these) {
        if (one.needsSweeps !== true) yield { workload: byEventsAlone(one), choice: new Map() }
        yield* singles(one)
      }
      return
    case "pairs":
      for (const one of these) yield* pairsOf(one)
      return
    case "random":
      for (let n = 0; n < mode.count; n++) yield randomCase(these, mode.seed, n)
      return
    case "small-world":
      return
  }
}

/** The runs of one part, made one by one. */
const runsOf = function* (task: Task): Generator<Case & { readonly made: Run }> {
  const { mode, part, parts } = task
  if (mode._tag === "small-world") return yield* orders(mode.depth, part, parts)
  let n = 0
  for (const one of casesOf(task)) {
    if (n++ % parts === part) yield { ...one, made: check(one.workload, one.choice) }
  }
}

/** How many there are, where that is known without trying. */
export const countOf = ({ mode, workload }: Pick<Task, "mode" | "workload">): number | undefined => {
  switch (mode._tag) {
    case "random":
      return mode.count
    case "singles":
      return chosen(workload).reduce((sum, one) => sum + singles(one).length + 1, 0)
    default:
      return undefined
  }
}

export const explore = (task: Task, tell: (progress: Progress) => void): Progress => {
  const found: Array<Found> = []
  const pairs = new Set<string>()
  const sizes: Array<number> = []
  let runs = 0
  let calls = 0
  let told = performance.now()
  const progress = (): Progress => ({ runs, calls, found, pairs: [...pairs], sizes })
  for (const { choice, made, workload } of runsOf(task)) {
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
