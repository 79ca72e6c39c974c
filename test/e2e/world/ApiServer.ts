/**
 * A real kube-apiserver over an etcd: RBAC as in a cluster, an audit of what service accounts ask for and of what
 * anybody writes, nothing else of a cluster (no kubelet, scheduler, controllers).
 * Rule: it can be killed and started again on its port, with the same certificates and other flags.
 */
import { generateKeyPairSync } from "node:crypto"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import type { IncomingMessage } from "node:http"
import { request } from "node:https"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { stringify } from "yaml"
import type { Etcd } from "./Etcd.ts"
import { eventually, missing, type NeverCame, there } from "./Eventually.ts"
import * as Port from "./Port.ts"
import { type Ended, type Process, type ProcessError, spawn, tail } from "./Process.ts"

/** One answered request, as the audit log has it (audit.k8s.io/v1 Event). */
export interface Audited {
  readonly verb: string
  readonly requestURI: string
  readonly user: { readonly username: string }
  readonly userAgent?: string
  readonly objectRef?: {
    readonly resource?: string
    readonly subresource?: string
    readonly name?: string
    readonly namespace?: string
  }
  readonly responseStatus?: { readonly code?: number; readonly reason?: string; readonly message?: string }
  /** RFC 3339 with microseconds: when it came, and when it was answered. */
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
}

export interface ApiServer {
  readonly port: number
  readonly url: string
  /** PEM, of the certificate it serves with. */
  readonly authority: () => string
  /** Of an administrator. */
  readonly kubeconfig: string
  readonly kill: Effect.Effect<Ended>
  readonly start: (flags?: ReadonlyArray<string>) => Effect.Effect<void, ProcessError | NeverCame>
  readonly audit: () => ReadonlyArray<Audited>
  /** It ran at that time (epoch milliseconds) and was not ready yet: until its roles are read it forbids everything. */
  readonly wasStarting: (at: number) => boolean
  /** One request as administrator, for what is too much or too raw for kubectl. */
  readonly request: (asked: Asked) => Effect.Effect<Reply>
  /**
   * The status alone of a GET, as administrator or with a token; what follows, perhaps for ever, is not waited for.
   * 0: there was none.
   */
  readonly status: (path: string, token?: string) => Effect.Effect<number>
}

const adminToken = "end-to-end-administrator"

const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived", "ResponseStarted"],
  rules: [
    { level: "Metadata", userGroups: ["system:serviceaccounts"] },
    {
      level: "Metadata",
      verbs: ["create", "update", "patch", "delete"],
      resources: [
        { group: "", resources: ["nodes"] },
        { group: "kubestatic.quortex.io" },
        { group: "coordination.k8s.io", resources: ["leases"] }
      ]
    },
    { level: "None" }
  ]
}

export interface Reply {
  /** 0: there was none. */
  readonly status: number
  readonly body: string
}

export interface Asked {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /** With its query. */
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
  /** The administrator's unless said otherwise. */
  readonly token?: string
}

/** `answered` has the whole answer to itself. */
const open = (
  url: string,
  { body, contentType = "application/json", method, path, token = adminToken }: Asked,
  answered: (reply: IncomingMessage) => void,
  failed: (error: Error) => void
): void => {
  const asked = request(
    `${url}${path}`,
    {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": contentType },
      // The loopback interface; whoever else talks to this server has its certificate.
      rejectUnauthorized: false
    },
    answered
  )
  asked.on("error", failed)
  asked.end(body === undefined ? undefined : JSON.stringify(body))
}

const send = (url: string, asked: Asked): Effect.Effect<Reply> =>
  Effect.callback<Reply>((resume) =>
    open(
      url,
      asked,
      (reply) => {
        let text = ""
        reply.setEncoding("utf8").on("data", (part: string) => {
          text += part
        })
        reply.on("end", () => resume(Effect.succeed({ status: reply.statusCode ?? 0, body: text })))
      },
      (error) => resume(Effect.succeed({ status: 0, body: error.message }))
    )
  )

const statusOf = (url: string, asked: Asked): Effect.Effect<number> =>
  Effect.callback<number>((resume) =>
    open(
      url,
      asked,
      (reply) => {
        resume(Effect.succeed(reply.statusCode ?? 0))
        reply.destroy()
      },
      () => resume(Effect.succeed(0))
    )
  )

/** A kubeconfig for one user; `user` as in its `users[].user`. */
export const kubeconfig = (o: {
  readonly server: string
  readonly authority: string
  readonly user: Readonly<Record<string, string>>
  readonly namespace: string
}): string =>
  stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "cluster",
        cluster: {
          server: o.server,
          "certificate-authority-data": Buffer.from(o.authority).toString("base64")
        }
      }
    ],
    users: [{ name: "user", user: o.user }],
    contexts: [{ name: "context", context: { cluster: "cluster", user: "user", namespace: o.namespace } }],
    "current-context": "context"
  })

export const make = (
  binary: string,
  folder: string,
  etcd: Etcd
): Effect.Effect<ApiServer, ProcessError | NeverCame, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const port = yield* Port.free
    const url = `https://127.0.0.1:${port}`
    const file = (name: string) => join(folder, name)
    const certificates = file("certificates")
    mkdirSync(certificates, { recursive: true })
    const keys = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" }
    })
    writeFileSync(file("accounts.key"), keys.privateKey)
    writeFileSync(file("accounts.pub"), keys.publicKey)
    writeFileSync(file("tokens.csv"), `${adminToken},administrator,administrator,system:masters\n`)
    writeFileSync(file("audit-policy.yaml"), stringify(auditPolicy))
    // It makes a certificate for itself where it finds none, and takes that one again later.
    const authority = () => readFileSync(join(certificates, "apiserver.crt"), "utf8")

    const starts: Array<{ readonly from: number; readonly to: number }> = []
    let running: { readonly process: Process; readonly scope: Scope.Closeable } | undefined
    const start = Effect.fnUntraced(function* (flags: ReadonlyArray<string> = []) {
      const own = yield* Scope.fork(scope)
      const process = yield* spawn({
        name: "kube-apiserver",
        command: binary,
        folder,
        args: [
          `--etcd-servers=${etcd.url}`,
          `--cert-dir=${certificates}`,
          "--bind-address=127.0.0.1",
          `--secure-port=${port}`,
          "--advertise-address=127.0.0.1",
          `--token-auth-file=${file("tokens.csv")}`,
          "--service-cluster-ip-range=10.0.0.0/24",
          "--authorization-mode=RBAC",
          "--allow-privileged=true",
          "--disable-admission-plugins=ServiceAccount",
          `--service-account-issuer=${url}/`,
          `--service-account-key-file=${file("accounts.pub")}`,
          `--service-account-signing-key-file=${file("accounts.key")}`,
          "--endpoint-reconciler-type=none",
          `--audit-policy-file=${file("audit-policy.yaml")}`,
          `--audit-log-path=${file("audit.log")}`,
          // Kills of the operator drop dozens of connections at once; no client of a test is to be turned away.
          "--max-requests-inflight=2000",
          ...flags
        ]
      }).pipe(Scope.provide(own))
      running = { process, scope: own }
      const from = Date.now()
      yield* eventually(
        "the API server is ready",
        Effect.gen(function* () {
          if (!process.isRunning()) return missing(tail(process))
          const reply = yield* send(url, { method: "GET", path: "/readyz" })
          return reply.status === 200 ? there(undefined) : missing(`${reply.status} ${reply.body}`)
        }),
        { within: "2 minutes" }
      )
      starts.push({ from, to: Date.now() })
    })
    yield* start()
    writeFileSync(
      file("admin.kubeconfig"),
      kubeconfig({ server: url, authority: authority(), user: { token: adminToken }, namespace: "default" })
    )
    return {
      port,
      url,
      authority,
      kubeconfig: file("admin.kubeconfig"),
      start,
      kill: Effect.suspend(() => {
        if (running === undefined) return Effect.die(new Error("no API server is running"))
        const { process, scope: own } = running
        running = undefined
        return Effect.tap(process.end("SIGKILL"), () => Scope.close(own, Exit.void))
      }),
      audit: () =>
        readFileSync(file("audit.log"), "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as Audited),
      wasStarting: (at) => starts.some(({ from, to }) => at >= from && at <= to),
      request: (asked) => send(url, asked),
      status: (path, token = adminToken) => statusOf(url, { method: "GET", path, token })
    }
  })
