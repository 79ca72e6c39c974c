/**
 * A program of its own, as long as its scope.
 * Rule: nothing it started outlives the scope; all it printed is kept in a file and shown when it ends too early.
 */
import { type ChildProcess, spawn as start } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Deferred, Effect, Schema, type Scope } from "effect"

export class ProcessError extends Schema.TaggedError<ProcessError>()("ProcessError", {
  message: Schema.String
}) {}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Process {
  readonly pid: number
  readonly exited: Effect.Effect<Ended>
  readonly isRunning: () => boolean
  /** When it was first sent a signal that ends it, in epoch milliseconds; Infinity while it was not. */
  readonly toldToEndAt: () => number
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Sends the signal and waits for the end. */
  readonly end: (signal: NodeJS.Signals) => Effect.Effect<Ended>
  /** Everything it printed so far, on both channels. */
  readonly output: () => string
}

export interface Options {
  /** Names the log file. */
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** For the log. */
  readonly folder: string
  readonly cwd?: string
}

const ending: ReadonlySet<NodeJS.Signals> = new Set(["SIGTERM", "SIGINT", "SIGKILL"])

const attach = (child: ChildProcess, file: string, exited: Deferred.Deferred<Ended>): Process => {
  let isRunning = true
  let toldToEndAt = Number.POSITIVE_INFINITY
  child.on("exit", (code, signal) => {
    isRunning = false
    Deferred.doneUnsafe(exited, Effect.succeed({ code, signal }))
  })
  const signal = (name: NodeJS.Signals) =>
    Effect.sync(() => {
      if (!isRunning) return
      if (ending.has(name)) toldToEndAt = Math.min(toldToEndAt, Date.now())
      child.kill(name)
    })
  return {
    pid: child.pid ?? -1,
    exited: Deferred.await(exited),
    isRunning: () => isRunning,
    toldToEndAt: () => toldToEndAt,
    signal,
    end: (name) => Effect.andThen(signal(name), Deferred.await(exited)),
    output: () => readFileSync(file, "utf8")
  }
}

let started = 0

export const spawn = (o: Options): Effect.Effect<Process, ProcessError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Process, ProcessError>((resume) => {
      started += 1
      const file = join(o.folder, `${o.name}-${started}.log`)
      const log = openSync(file, "a")
      const child = start(o.command, o.args, {
        stdio: ["ignore", log, log],
        env: o.env as NodeJS.ProcessEnv | undefined,
        cwd: o.cwd
      })
      closeSync(log)
      const exited = Deferred.makeUnsafe<Ended>()
      const process = attach(child, file, exited)
      child.on("spawn", () => resume(Effect.succeed(process)))
      child.on("error", (error) =>
        resume(Effect.fail(new ProcessError({ message: `${o.command}: ${error.message}` })))
      )
    }),
    // SIGKILL ends a stopped process too.
    (process) => (process.isRunning() ? process.end("SIGKILL") : Effect.void)
  )

/** What is wrong with a program that should be running; undefined while it runs. */
export const tail = (process: Process): string => process.output().slice(-4_000)
