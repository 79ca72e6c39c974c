/**
 * What a mode has tried and found, in figures.
 * Rule: every figure is counted from the runs; the list of pairs comes from the calls there are, not from what was met.
 */
import { pairs } from "../../src/simulation/faults/Outcome.ts"
import { chosen, type Found, type Mode, type Progress } from "./Explore.ts"

export interface Summary {
  readonly mode: Mode["_tag"]
  readonly workloads: number
  /** Calls to the worlds in all runs. */
  readonly callPoints: number
  readonly runs: number
  /** On one core: each worker has one. */
  readonly runsPerSecond: number
  readonly workers: number
  /** Of the calls that each run made. */
  readonly medianCalls: number
  readonly pairsHit: number
  readonly pairsAll: number
  readonly violations: ReadonlyArray<Found>
  /** Never met; empty where it was not tried to meet all. */
  readonly missed: ReadonlyArray<string>
}

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0

/** So many drawn runs meet everything. */
const enough = 20_000

/** One workload alone, a few drawn runs, or orders of delivery without faults, never meet everything. */
const meetsAll = (mode: Mode, workload: string | undefined): boolean => {
  if (workload !== undefined || mode._tag === "small-world") return false
  return mode._tag !== "random" || mode.count >= enough
}

export const of = (o: {
  readonly mode: Mode
  readonly workload: string | undefined
  readonly workers: number
  readonly result: Progress
  readonly millis: number
}): Summary => {
  const { millis, mode, result, workers, workload } = o
  const met = new Set(result.pairs)
  return {
    mode: mode._tag,
    workloads: mode._tag === "small-world" ? 1 : chosen(workload).length,
    callPoints: result.calls,
    runs: result.runs,
    runsPerSecond: Math.round((result.runs / millis / workers) * 1_000),
    workers,
    medianCalls: median(result.sizes),
    pairsHit: met.size,
    pairsAll: pairs.length,
    violations: result.found,
    missed: meetsAll(mode, workload) ? pairs.filter((p) => !met.has(p)) : []
  }
}

export const isGood = ({ missed, violations }: Summary): boolean =>
  violations.length === 0 && missed.length === 0

/** `all`: units of the mode, see `countOf`. */
export const progress = ({ found, runs, units }: Progress, all: number, millis: number): string => {
  const rate = (runs / millis) * 1_000
  const left = units === 0 ? "?" : Math.round((((all - units) / units) * millis) / 1_000)
  const share = ((units / all) * 100).toFixed(1)
  return `${runs} runs (${share} %), ${rate.toFixed(0)} a second, ${left} s left, ${found.length} violations`
}

export const violation = ({ invariant, replay, what }: Found): string =>
  `${invariant}: ${what}\n  npm run faults -- --replay '${replay}'`

export const print = ({ missed, violations, ...figures }: Summary): string => {
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(14)} ${value}`)
  lines.push(`violations     ${violations.length}`)
  for (const v of violations) lines.push("", violation(v))
  if (missed.length > 0) lines.push("", `never met: ${missed.join(", ")}`)
  return `${lines.join("\n")}\n`
}
