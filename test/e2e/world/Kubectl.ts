/**
 * kubectl, as a person types it.
 * Rule: a test that looks at what kubectl prints, sees what a user sees.
 */
import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schema } from "effect"

export interface Printed {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export class KubectlError extends Schema.TaggedError<KubectlError>()("KubectlError", {
  message: Schema.String
}) {}

/** An object as kubectl prints it in JSON. */
export interface Fields {
  readonly [name: string]: unknown
}
export interface Manifest extends Fields {
  readonly kind: string
  readonly metadata: Fields & {
    readonly name: string
    readonly uid?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly finalizers?: ReadonlyArray<string>
    readonly deletionTimestamp?: string
    readonly resourceVersion?: string
  }
  readonly spec?: Fields
  readonly status?: Fields & { readonly conditions?: ReadonlyArray<Condition> }
}
export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
}

export interface Kubectl {
  /** Whatever its exit code is. */
  readonly run: (args: ReadonlyArray<string>, stdin?: string) => Effect.Effect<Printed>
  /** Standard output; fails unless the exit code is 0. */
  readonly ok: (args: ReadonlyArray<string>, stdin?: string) => Effect.Effect<string, KubectlError>
  readonly apply: (
    ...objects: ReadonlyArray<Readonly<Record<string, unknown>>>
  ) => Effect.Effect<string, KubectlError>
  readonly list: (...args: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Manifest>, KubectlError>
  readonly get: (kind: string, name: string) => Effect.Effect<Manifest, KubectlError>
}

export const make = (binary: string, kubeconfig: string, folder: string): Kubectl => {
  const home = join(folder, "home")
  mkdirSync(home, { recursive: true })
  const run: Kubectl["run"] = (args, stdin) =>
    Effect.callback<Printed>((resume) => {
      const child = spawn(binary, args, {
        env: { PATH: process.env.PATH, HOME: home, KUBECONFIG: kubeconfig },
        stdio: ["pipe", "pipe", "pipe"]
      })
      let stdout = ""
      let stderr = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text
      })
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text
      })
      child.on("error", (error) =>
        resume(Effect.succeed({ code: -1, stdout, stderr: `${binary}: ${error.message}` }))
      )
      child.on("close", (code) => resume(Effect.succeed({ code: code ?? -1, stdout, stderr })))
      // It may end without having read everything.
      child.stdin.on("error", () => {})
      child.stdin.end(stdin ?? "")
      return Effect.sync(() => child.kill("SIGKILL"))
    })
  const ok: Kubectl["ok"] = (args, stdin) =>
    Effect.flatMap(run(args, stdin), (printed) =>
      printed.code === 0
        ? Effect.succeed(printed.stdout)
        : Effect.fail(new KubectlError({ message: `kubectl ${args.join(" ")}: ${printed.stderr}` }))
    )
  return {
    run,
    ok,
    apply: (...objects) =>
      ok(
        ["apply", "--server-side", "--force-conflicts", "-f", "-"],
        JSON.stringify({ apiVersion: "v1", kind: "List", items: objects })
      ),
    list: (...args) =>
      Effect.map(
        ok(["get", ...args, "-o", "json"]),
        (text) => (JSON.parse(text) as { readonly items: ReadonlyArray<Manifest> }).items
      ),
    get: (kind, name) =>
      Effect.map(ok(["get", kind, name, "-o", "json"]), (text) => JSON.parse(text) as Manifest)
  }
}
