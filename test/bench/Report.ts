/**
 * What was measured, for people and for programs.
 * Rule: pure; every target that is not met can be seen, and one that no machine excuses makes the run a failure.
 */
import { type Bench, figure, isMet, type Measurement, targetText } from "./Measurement.ts"

export interface Result {
  readonly bench: Bench["name"]
  readonly measurements: ReadonlyArray<Measurement>
}

/** As `--json` prints them. */
export const records = (results: ReadonlyArray<Result>) =>
  results.flatMap(({ bench, measurements }) =>
    measurements.map((m) => ({
      bench,
      metric: m.metric,
      unit: m.unit,
      value: m.value,
      target: m.target === undefined ? null : targetText(m.target),
      met: isMet(m) ?? null
    }))
  )

/** A machine's figure may miss on a slower machine; any other is a regression. */
export const isFailure = (results: ReadonlyArray<Result>): boolean =>
  results.some(({ measurements }) => measurements.some((m) => m.isOfMachine !== true && isMet(m) === false))

const verdict = (m: Measurement): string => {
  switch (isMet(m)) {
    case undefined:
      return ""
    case true:
      return "met"
    case false:
      return "NOT MET"
  }
}

const columns = ["metric", "result", "unit", "target", ""] as const

export const table = ({ bench, measurements }: Result, summary: string): string => {
  const rows = [
    columns,
    ...measurements.map((m) => [m.metric, figure(m.value), m.unit, targetText(m.target), verdict(m)])
  ]
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)))
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (i === 1 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd()
  )
  return [`${bench}: ${summary}`, ...lines.map((line) => `  ${line}`), ""].join("\n")
}
