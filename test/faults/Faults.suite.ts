/** What the harness finds, by its own command: every single fault, every broken operator, and what two seeds draw. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { pairs } from "../../src/simulation/faults/Outcome.ts"
import { mutants } from "./Mutants.ts"
import { workloads } from "./Workload.ts"

const command = fileURLToPath(new URL("main.ts", import.meta.url))
const minutes = 60_000

interface Summary {
  readonly workloads: number
  readonly runs: number
  readonly callPoints: number
  readonly pairsHit: number
  readonly pairsAll: number
  readonly violations: ReadonlyArray<{
    readonly invariant: string
    readonly what: string
    readonly replay: string
  }>
}
interface Judged {
  readonly caught: number
  readonly all: number
  readonly mutants: ReadonlyArray<{ readonly name: string; readonly invariant?: string }>
}

/** The summary is printed also where the command ends with 1. */
const faults = async <A>(...args: ReadonlyArray<string>): Promise<A> => {
  const ended = await promisify(execFile)(process.execPath, [command, ...args, "--json"], {
    maxBuffer: 2 ** 28
  }).catch((failed: { readonly stdout: string; readonly stderr: string }) => failed)
  const { stderr, stdout } = ended
  if (stdout === "") throw new Error(stderr.split("\n").slice(-12).join("\n"))
  return JSON.parse(stdout) as A
}

/** Asked once, for both of its tests. */
let judging: Promise<Judged> | undefined
const judged = (): Promise<Judged> => {
  judging ??= faults<Judged>("--mutants")
  return judging
}

const told = ({ violations }: Summary): ReadonlyArray<string> =>
  violations.map((v) => `${v.invariant}: ${v.what}\n  npm run faults -- --replay '${v.replay}'`)

describe("nothing is lost whatever fails", () => {
  it("every single fault at every call of every workload", { timeout: 12 * minutes }, async () => {
    const summary = await faults<Summary>("--singles")
    console.log(
      `faults: ${summary.runs} runs, ${summary.callPoints} calls, ${summary.pairsHit} of ${summary.pairsAll} pairs`
    )
    assert.deepStrictEqual(told(summary), [])
    assert.strictEqual(summary.workloads, workloads.length)
    assert.strictEqual(summary.pairsAll, pairs.length)
    assert.strictEqual(summary.pairsHit, summary.pairsAll)
  })
  it("three and more at a time, drawn by two seeds", { timeout: 6 * minutes }, async () => {
    for (const seed of ["11", "12"]) {
      assert.deepStrictEqual(told(await faults<Summary>("--random", "1000", "--seed", seed)), [])
    }
  })
  it("every order of three deliveries in a world of two nodes", { timeout: 6 * minutes }, async () => {
    const summary = await faults<Summary>("--small-world", "--depth", "3")
    assert.deepStrictEqual(told(summary), [])
    assert.isAbove(summary.runs, 100)
  })
})

describe("a broken operator", () => {
  it("is noticed, every one", { timeout: 6 * minutes }, async () => {
    const { all, caught, mutants: each } = await judged()
    const missed = each.filter((m) => m.invariant === undefined).map((m) => m.name)
    assert.deepStrictEqual(missed, [])
    assert.strictEqual(all, mutants.length)
    assert.isAtLeast(caught, 40)
  })
  it("is noticed by every invariant: none is there in vain", { timeout: 6 * minutes }, async () => {
    const { mutants: each } = await judged()
    const by = new Set(each.map((m) => (m.invariant ?? "").split(" ")[0]))
    const all = [...Array.from({ length: 13 }, (_, i) => String(i + 1)), "liveness", "differential"]
    assert.deepStrictEqual(
      all.filter((invariant) => !by.has(invariant)),
      []
    )
  })
})
