/**
 * helm, as a command: renders the chart of this repository.
 * Rule: a helm that is missing or that refuses is an error with all it said, never an empty answer.
 */
import { spawnSync } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const chart = fileURLToPath(new URL("../chart", import.meta.url))

export interface Printed {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Whatever its exit code is. `values` is given as a values file would be. */
export const run = (helm: string, args: ReadonlyArray<string>, values?: unknown): Printed => {
  const { error, status, stderr, stdout } = spawnSync(
    helm,
    [...args, ...(values === undefined ? [] : ["--values", "-"])],
    {
      encoding: "utf8",
      input: values === undefined ? "" : JSON.stringify(values),
      maxBuffer: 64 * 1024 * 1024,
      // Nothing of a user's own helm: no plugins, no repositories, no caches.
      env: { PATH: process.env.PATH, HOME: join(tmpdir(), "kubestatic-helm") }
    }
  )
  if (error !== undefined) throw new Error(`${helm}: ${error.message}`)
  return { code: status ?? -1, stdout, stderr }
}

export const release = "kubestatic"
export const namespace = "kubestatic"

export interface TemplateOptions {
  readonly values?: unknown
  readonly flags?: ReadonlyArray<string>
}

/** The release named kubestatic in the namespace kubestatic; `flags` are further ones of `helm template`. */
export const template = (helm: string, { flags = [], values }: TemplateOptions = {}): string => {
  const printed = run(helm, ["template", release, chart, "--namespace", namespace, ...flags], values)
  if (printed.code !== 0) throw new Error(`helm template ended with ${printed.code}: ${printed.stderr}`)
  return printed.stdout
}
