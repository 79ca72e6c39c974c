/**
 * A run in one line: the workload, and each call with its fate.
 * Rule: what is printed for a violation, read back, is that very run.
 */
import { calls, type Outcome, outcomesOf } from "../../src/simulation/faults/Outcome.ts"
import type { Choice } from "./Run.ts"
import { find, type Workload } from "./Workload.ts"

const known: ReadonlySet<Outcome> = new Set(calls.flatMap(outcomesOf))

/** `address-created: 12 lost answer | 20 crash after`. */
export const format = (workload: Workload, choice: Choice): string =>
  `${workload.name}: ${[...choice].map(([n, outcome]) => `${n} ${outcome}`).join(" | ")}`

export const parse = (text: string): readonly [Workload, Choice] | undefined => {
  const colon = text.indexOf(":")
  const workload = find(colon < 0 ? text.trim() : text.slice(0, colon).trim())
  if (workload === undefined) return undefined
  const choice = new Map<number, Outcome>()
  for (const part of colon < 0 ? [] : text.slice(colon + 1).split("|")) {
    if (part.trim() === "") continue
    const [, n = "", outcome = ""] = /^\s*(\d+) (.+?)\s*$/.exec(part) ?? []
    if (!known.has(outcome) && !/^(deliver|any) \d+$/.test(outcome)) return undefined
    choice.set(Number(n), outcome)
  }
  return [workload, choice]
}
