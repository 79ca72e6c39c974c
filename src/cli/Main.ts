/**
 * One command of the command line, from its words to its exit code.
 * Rule: wrong usage is one line on standard error and code 2; standard output carries only what a command prints.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, type Layer, Result, type Runtime } from "effect"
import type { Ec2 } from "../ec2/Ec2.ts"
import type { Access } from "../kubernetes/Access.ts"
import type { Kubernetes } from "../kubernetes/Kubernetes.ts"
import { parse } from "../Options.ts"
import { parseCommand } from "./CommandLine.ts"
import * as Ending from "./Ending.ts"
import { ExitCode, teardown, teardownOf } from "./ExitCode.ts"
import { keepSmall } from "./Footprint.ts"
import { operatorHelp, simulateHelp } from "./Help.ts"
import * as Logging from "./Logging.ts"
import { parseSimulate } from "./SimulateOptions.ts"
import * as StandardOutput from "./StandardOutput.ts"
import { versionLine } from "./Version.ts"

/** The live layers, loaded only by the command that needs them. */
export interface Live<E1, E2> {
  readonly access: (kubeconfig: string | undefined) => Layer.Layer<Access, E1>
  readonly kubernetes: Layer.Layer<Kubernetes, never, Access>
  readonly leases: Layer.Layer<Kubernetes, never, Access>
  readonly ec2: Layer.Layer<Ec2, E2>
}

type Environment = Readonly<Record<string, string | undefined>>

const print = (text: string) =>
  Effect.sync(() => {
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`)
  })

/** What a user can put right is one line: neither a stack nor a log entry. */
const oneLine = (error: { readonly message: string }) =>
  Effect.sync(() => {
    process.stderr.write(`kubestatic: ${error.message.replaceAll(/\s*\n\s*/g, " ")}\n`)
  })

const isUsage = (error: unknown): error is { readonly message: string } =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  (error._tag === "OptionsError" || error._tag === "ConfigurationError")

/** Wrong usage is said, and becomes its exit code. */
const sayUsage = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.catch(program, (error) =>
    isUsage(error) ? Effect.as(oneLine(error), ExitCode.usage) : Effect.fail(error)
  )

const command = <E1, E2>(
  parsed: ReturnType<typeof parseCommand>,
  env: Environment,
  live: () => Promise<Live<E1, E2>>
): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    const asked = yield* Effect.fromResult(parsed)
    switch (asked._tag) {
      case "Version":
        yield* print(versionLine(process.versions.node))
        return ExitCode.clean
      case "Crds": {
        const { render } = yield* Effect.promise(() => import("./Crds.ts"))
        yield* print(render())
        return ExitCode.clean
      }
      case "Help": {
        if (asked.of === "kubestatic") yield* print(operatorHelp())
        else {
          const { names } = yield* Effect.promise(() => import("./simulate/Scenarios.ts"))
          yield* print(simulateHelp(names))
        }
        return ExitCode.clean
      }
      case "Simulate": {
        const { names } = yield* Effect.promise(() => import("./simulate/Scenarios.ts"))
        const options = yield* Effect.fromResult(parseSimulate(asked.argv, env, names))
        const { run } = yield* Effect.promise(() => import("./simulate/Simulate.ts"))
        return yield* run(options)
      }
      case "Run": {
        const options = yield* Effect.fromResult(parse(asked.argv, env))
        keepSmall()
        const { run } = yield* Effect.promise(() => import("./Run.ts"))
        const layers = yield* Effect.promise(live)
        return yield* run(options, { ...layers, access: layers.access(options.kubeconfig) }).pipe(
          sayUsage,
          Ending.logged,
          Effect.provide(Logging.layer(options))
        )
      }
    }
  })

/** Remembers which signal came; `runMain` interrupts for either. */
const teardownBySignal = (): Runtime.Teardown => {
  let came: NodeJS.Signals | undefined
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      came ??= name
    })
  }
  return teardownOf(() => came)
}

/** `argv` without node and the script. Ends the process. */
export const main = <E1, E2>(
  argv: ReadonlyArray<string>,
  env: Environment,
  live: () => Promise<Live<E1, E2>>
): void => {
  const parsed = parseCommand(argv)
  StandardOutput.endWithIt()
  const isOperator = Result.isSuccess(parsed) && parsed.success._tag === "Run"
  NodeRuntime.runMain(sayUsage(command(parsed, env, live)), {
    teardown: isOperator ? teardown : teardownBySignal()
  })
}
