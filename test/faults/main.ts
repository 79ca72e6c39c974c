/**
 * `npm run faults`: tries faults at the calls of the operator, and says what broke.
 * Rule: progress on standard error, the summary on standard output; a violation, a pair that no run met, or a broken
 * operator that nobody noticed ends it with code 1; wrong usage with 2 and one line.
 */
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { judgeAll } from "./Caught.ts"
import { check } from "./Enumerate.ts"
import { countOf, type Mode } from "./Explore.ts"
import * as Pool from "./Pool.ts"
import { parse } from "./Replay.ts"
import * as Summary from "./Summary.ts"
import { find, workloads } from "./Workload.ts"

const usage = (line: string): never => {
  process.stderr.write(`faults: ${line}\n`)
  process.exit(2)
}

const help = `npm run faults -- MODE [options]

  --singles            every single fault at every call of every workload
  --pairs              after each single fault a second one at each call that follows
  --random N           N runs with three to five faults each, drawn from --seed (default 1)
  --small-world        every order of delivery in a world of two nodes, --depth deliveries deep (default 5)
  --mutants            operators broken on purpose: each must be noticed
  --replay X           one run, told step by step; X is what a violation printed, or the name of a workload

  --workload NAME      only that one
  --workers N          processes' worth of threads (default: one per core)
  --json               the summary as one JSON object
`

const values = (() => {
  try {
    return parseArgs({
      options: {
        singles: { type: "boolean" },
        pairs: { type: "boolean" },
        random: { type: "string" },
        seed: { type: "string", default: "1" },
        "small-world": { type: "boolean" },
        depth: { type: "string", default: "5" },
        mutants: { type: "boolean" },
        replay: { type: "string" },
        workload: { type: "string" },
        workers: { type: "string", default: String(availableParallelism()) },
        json: { type: "boolean", default: false },
        help: { type: "boolean" }
      }
    }).values
  } catch (cause) {
    return usage(cause instanceof Error ? (cause.message.split(". ")[0] ?? "") : String(cause))
  }
})()

const whole = (name: string, text: string, least = 1): number =>
  /^\d{1,9}$/.test(text) && Number(text) >= least
    ? Number(text)
    : usage(`--${name} takes a whole number from ${least} on, not ${text}`)

const modeOf = (): Mode => {
  const given = [values.singles, values.pairs, values.random, values["small-world"]].filter(
    (v) => v !== undefined
  )
  if (given.length !== 1)
    return usage("takes one of --singles, --pairs, --random N, --small-world, --mutants, --replay X")
  if (values.singles === true) return { _tag: "singles" }
  if (values.pairs === true) return { _tag: "pairs" }
  if (values["small-world"] === true) return { _tag: "small-world", depth: whole("depth", values.depth) }
  return { _tag: "random", count: whole("random", values.random ?? ""), seed: whole("seed", values.seed, 0) }
}

const replay = (text: string): void => {
  const [workload, choice] =
    parse(text) ?? usage("--replay takes what a violation printed, or the name of a workload")
  const made = check(workload, choice, { tell: true })
  process.stdout.write(`${made.story.join("\n")}\n\n`)
  for (const v of made.violations) {
    process.stdout.write(`${(v.at / 1000).toFixed(3).padStart(10)} s  ${v.invariant}: ${v.what}\n`)
  }
  if (made.violations.length === 0) process.stdout.write("no violation\n")
  process.exitCode = made.violations.length > 0 ? 1 : 0
}

const mutants = (): void => {
  const judged = judgeAll((done, all) => process.stderr.write(`${done} of ${all}\n`))
  const caught = judged.filter((m) => m.invariant !== undefined)
  if (values.json) {
    const summary = { mode: "mutants", caught: caught.length, all: judged.length, mutants: judged }
    process.stdout.write(`${JSON.stringify(summary)}\n`)
  } else {
    for (const m of judged) process.stdout.write(`${(m.invariant ?? "NOT CAUGHT").padEnd(24)} ${m.name}\n`)
    process.stdout.write(`${caught.length} of ${judged.length} caught\n`)
  }
  process.exitCode = caught.length === judged.length ? 0 : 1
}

const explore = async (mode: Mode): Promise<void> => {
  const { workload } = values
  const workers = whole("workers", values.workers)
  const all = countOf({ mode, workload })
  const began = performance.now()
  const told = new Set<string>()
  const result = await Pool.explore({ mode, workload }, workers, (progress) => {
    process.stderr.write(`${Summary.progress(progress, all, performance.now() - began)}\n`)
    for (const found of progress.found) {
      if (told.has(found.replay)) continue
      told.add(found.replay)
      process.stderr.write(`${Summary.violation(found)}\n`)
    }
  })
  const summary = Summary.of({ mode, workload, workers, result, millis: performance.now() - began })
  process.stdout.write(values.json ? `${JSON.stringify(summary)}\n` : Summary.print(summary))
  process.exitCode = Summary.isGood(summary) ? 0 : 1
}

if (values.help === true) process.stdout.write(help)
else if (values.workload !== undefined && find(values.workload) === undefined) {
  usage(`--workload takes one of ${workloads.map((w) => w.name).join(", ")}`)
} else if (values.replay !== undefined) replay(values.replay)
else if (values.mutants === true) mutants()
else await explore(modeOf())
