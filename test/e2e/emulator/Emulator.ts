/**
 * The EC2 emulator as a process of its own.
 * Rule: it ends with its scope; quotas are EC2's or those a test sets.
 */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Schema, type Scope } from "effect"
import { eventually, missing, type NeverCame, there } from "../world/Eventually.ts"
import * as Port from "../world/Port.ts"
import { type ProcessError, spawn, tail } from "../world/Process.ts"

export class EmulatorError extends Schema.TaggedError<EmulatorError>()("EmulatorError", {
  message: Schema.String
}) {}

export interface Quotas {
  readonly addresses?: number
  readonly rules_per_group?: number
  readonly groups_per_interface?: number
}

export interface Emulator {
  readonly url: string
  readonly setQuotas: (quotas: Quotas) => Effect.Effect<void, EmulatorError>
}

const folder = fileURLToPath(new URL(".", import.meta.url))

export const start = (o: {
  readonly python: string
  /** For its log. */
  readonly folder: string
}): Effect.Effect<Emulator, ProcessError | NeverCame, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* Port.free
    const url = `http://127.0.0.1:${port}`
    const process_ = yield* spawn({
      name: "emulator",
      command: o.python,
      args: [join(folder, "serve.py"), `--port=${port}`],
      folder: o.folder,
      cwd: folder,
      env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" }
    })
    const post = (body: Quotas) =>
      Effect.tryPromise({
        try: async () => {
          const reply = await fetch(`${url}/strict/quotas`, { method: "POST", body: JSON.stringify(body) })
          if (!reply.ok) throw new Error(`${reply.status} ${await reply.text()}`)
        },
        catch: (cause) => new EmulatorError({ message: `quotas: ${String(cause)}` })
      })
    yield* eventually(
      "the EC2 emulator answers",
      Effect.suspend(() =>
        process_.isRunning()
          ? Effect.match(post({}), {
              onFailure: (e) => missing(e.message),
              onSuccess: () => there(undefined)
            })
          : Effect.succeed(missing(tail(process_)))
      )
    )
    return { url, setQuotas: post }
  })
