/**
 * The flags of `kubestatic simulate`, read by the same machinery as the operator's.
 * Rule: a flag of the operator means here what it means there; the simulation's own have no variables.
 */
import { Result } from "effect"
import { raiseIntervals, sharedFlags } from "../Options.ts"
import * as Argv from "./Argv.ts"
import { type Decoded, decodeTable, type Environment, optional, repeatable, withDefault } from "./Flag.ts"
import type { OptionsError } from "./OptionsError.ts"
import * as Value from "./Value.ts"

const words = (help: string) => ({ section: "Simulation", help, hasVariable: false })

/** `scenarios` are the names that --scenario takes. */
export const simulateFlags = (scenarios: ReadonlyArray<string>) => ({
  nodes: withDefault("nodes", Value.integer("a number of nodes from 1 to 10000", 1, 10_000), "3", {
    ...words("How many nodes the pretended cluster has.")
  }),
  scenario: optional("scenario", Value.oneOf(scenarios), {
    ...words("What happens in it."),
    otherwise: "first-start, or only what the files say"
  }),
  files: repeatable("f", Value.path("a path to a YAML file of objects"), {
    ...words("Objects to begin with. Repeatable."),
    aliases: ["filename"]
  }),
  seed: withDefault("seed", Value.integer("a whole number", 0, Number.MAX_SAFE_INTEGER), "1", {
    ...words("The same seed gives the same run.")
  }),
  speed: withDefault("speed", Value.speed, "10", {
    ...words("How many times faster than real time it runs; max never waits.")
  }),
  json: withDefault("json", Value.boolean, "false", {
    ...words("One JSON object at the end, and nothing else.")
  }),
  maxTime: withDefault("max-time", Value.duration, "1h", {
    ...words("The simulated time after which it ends, whatever has happened.")
  }),
  ...sharedFlags
})

export interface SimulateOptions extends Decoded<ReturnType<typeof simulateFlags>> {
  readonly warnings: ReadonlyArray<string>
}

/** `argv` holds the flags alone, without program and command. */
export const parseSimulate = (
  argv: ReadonlyArray<string>,
  env: Environment,
  scenarios: ReadonlyArray<string>
): Result.Result<SimulateOptions, OptionsError> => {
  const table = simulateFlags(scenarios)
  return Result.flatMap(Argv.read(argv, table, Argv.nothingIgnored, "kubestatic simulate"), (reading) =>
    Result.map(decodeTable(table, reading.given, env), (decoded) => {
      const raised = raiseIntervals(decoded)
      return { ...decoded, ...raised.intervals, warnings: raised.warnings }
    })
  )
}
