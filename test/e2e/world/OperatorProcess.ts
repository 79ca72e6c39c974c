/**
 * The operator as a process of its own: the built bundle, the token of its service account, the EC2 endpoint.
 * Rule: it is given what a pod is given and nothing more; in particular it is no administrator.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import type { ApiServer } from "./ApiServer.ts"
import { kubeconfig } from "./ApiServer.ts"
import { bundle } from "./Bundle.ts"
import { region } from "./Cloud.ts"
import { eventually, missing, type NeverCame, there } from "./Eventually.ts"
import type { Kubectl, KubectlError } from "./Kubectl.ts"
import * as Port from "./Port.ts"
import { type Process, type ProcessError, spawn, tail } from "./Process.ts"

export const namespace = "kubestatic"
export const serviceAccount = "kubestatic-controller-manager"
/** As RBAC and the audit log name it. */
export const user = `system:serviceaccount:${namespace}:${serviceAccount}`

export interface Options {
  readonly flags?: ReadonlyArray<string>
  /** Where it finds EC2. */
  readonly ec2: string
  /** Where it finds the API server, when not there itself: a proxy. */
  readonly server?: string
  readonly authority?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface OperatorProcess extends Process {
  readonly ready: Effect.Effect<void, NeverCame>
  /** What /readyz says now. */
  readonly isReady: Effect.Effect<boolean>
  /** Waits until an entry of that level says it. */
  readonly says: (level: "info" | "warn" | "error", words: RegExp) => Effect.Effect<void, NeverCame>
  readonly metrics: Effect.Effect<string>
  /** The sum of a metric over the label values given. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Effect.Effect<number>
  /** One object for each line that is one. */
  readonly log: () => ReadonlyArray<Entry>
}

/** One of the log. */
export interface Entry {
  readonly level: string
  readonly msg: string
}

/** A new token in the file that operators read theirs from: a kubelet rotates it so. */
export const writeToken = Effect.fnUntraced(function* (kubectl: Kubectl, file: string) {
  const token = yield* kubectl.ok(["create", "token", serviceAccount, "-n", namespace, "--duration=1h"])
  writeFileSync(file, token.trim())
})

const fetchText = (url: string): Effect.Effect<{ readonly status: number; readonly body: string }> =>
  Effect.promise(async () => {
    try {
      const reply = await fetch(url)
      return { status: reply.status, body: await reply.text() }
    } catch (cause) {
      return { status: 0, body: String(cause) }
    }
  })

const sum = (exposition: string, name: string, labels: Readonly<Record<string, string>>): number =>
  exposition
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => Object.entries(labels).every(([k, v]) => line.includes(`${k}="${v}"`)))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0)

export const start = (
  o: Options & {
    readonly apiServer: ApiServer
    readonly tokenFile: string
    readonly folder: string
  }
): Effect.Effect<OperatorProcess, ProcessError | KubectlError, Scope.Scope> =>
  Effect.gen(function* () {
    const probes = yield* Port.free
    const metrics = yield* Port.free
    const config = join(o.folder, `operator-${probes}.kubeconfig`)
    writeFileSync(
      config,
      kubeconfig({
        server: o.server ?? o.apiServer.url,
        authority: o.authority ?? o.apiServer.authority(),
        user: { tokenFile: o.tokenFile },
        namespace
      })
    )
    const process_ = yield* spawn({
      name: "operator",
      command: process.execPath,
      folder: o.folder,
      args: [
        bundle,
        `--kubeconfig=${config}`,
        `--health-probe-bind-address=127.0.0.1:${probes}`,
        `--metrics-bind-address=127.0.0.1:${metrics}`,
        ...(o.flags ?? [])
      ],
      env: {
        PATH: process.env.PATH,
        HOME: o.folder,
        AWS_ENDPOINT_URL_EC2: o.ec2,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: "operator",
        AWS_SECRET_ACCESS_KEY: "operator",
        AWS_EC2_METADATA_DISABLED: "true",
        ...o.env
      }
    })
    const log = (): ReadonlyArray<Entry> =>
      process_
        .output()
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as Entry)
    const readyz = fetchText(`http://127.0.0.1:${probes}/readyz`)
    const exposition = Effect.map(fetchText(`http://127.0.0.1:${metrics}/metrics`), ({ body }) => body)
    return {
      ...process_,
      ready: eventually(
        "the operator is ready",
        Effect.gen(function* () {
          if (!process_.isRunning()) return missing(`it ended: ${tail(process_)}`)
          const { body, status } = yield* readyz
          // Looked at last: one that could not bind its port has ended by now, and somebody else answered.
          if (!process_.isRunning()) return missing(`it ended: ${tail(process_)}`)
          return status === 200 ? there(undefined) : missing(`${status} ${body}\n${tail(process_)}`)
        })
      ),
      metrics: exposition,
      metric: (name, labels = {}) => Effect.map(exposition, (text) => sum(text, name, labels)),
      isReady: Effect.map(readyz, ({ status }) => status === 200),
      says: (level, words) =>
        eventually(
          `the operator says ${words}`,
          Effect.sync(() =>
            log().some((entry) => entry.level === level && words.test(entry.msg))
              ? there(undefined)
              : missing(tail(process_))
          )
        ),
      log
    }
  })
