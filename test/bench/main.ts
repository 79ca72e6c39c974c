/**
 * `npm run bench [-- NAME ...] [--json]`: runs the benches and says what came of it.
 * Rule: with --json standard output is one list and nothing else; a name that is not known is one line and code 2; a
 * target missed is seen, and fails the run unless the machine may be to blame.
 */
import * as Calls from "./Calls.ts"
import * as Converge from "./Converge.ts"
import * as Machine from "./Machine.ts"
import type { Bench } from "./Measurement.ts"
import * as Memory from "./Memory.ts"
import * as React from "./React.ts"
import * as Report from "./Report.ts"
import * as Start from "./Start.ts"
import * as Throughput from "./Throughput.ts"

const benches: ReadonlyArray<Bench> = [
  Converge.bench,
  Calls.bench,
  React.bench,
  Memory.bench,
  Start.bench,
  Throughput.bench
]

const argv = process.argv.slice(2)
const isJson = argv.includes("--json")
const names = argv.filter((word) => word !== "--json")
const unknown = names.find((name) => !benches.some((b) => b.name === name))

if (unknown !== undefined) {
  process.stderr.write(
    `bench: unknown name "${unknown}"; there are ${benches.map((b) => b.name).join(", ")}\n`
  )
  process.exitCode = 2
} else {
  const print = (text: string) => (isJson ? process.stderr : process.stdout).write(`${text}\n`)
  print(Machine.describe())
  print(Machine.calibration(Machine.calibrate()))
  print("")
  const results: Array<Report.Result> = []
  for (const { name, run, summary } of benches.filter((b) => names.length === 0 || names.includes(b.name))) {
    const measurements = await run((line) => process.stderr.write(`  ${name}: ${line} ...\n`))
    const result = { bench: name, measurements }
    results.push(result)
    print(Report.table(result, summary))
  }
  if (isJson) process.stdout.write(`${JSON.stringify(Report.records(results), undefined, 2)}\n`)
  process.exitCode = Report.isFailure(results) ? 1 : 0
}
