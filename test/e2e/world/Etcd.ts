/**
 * A real etcd, for one API server.
 * Rule: its data outlive it, so that it can be killed and started again.
 */
import { join } from "node:path"
import { Effect, Schema, type Scope } from "effect"
import { eventually, missing, type NeverCame, there } from "./Eventually.ts"
import * as Port from "./Port.ts"
import { type ProcessError, spawn, tail } from "./Process.ts"

export class EtcdError extends Schema.TaggedError<EtcdError>()("EtcdError", { message: Schema.String }) {}

export interface Etcd {
  readonly url: string
  /** Forgets every revision before the newest: watches that ask for an older one are answered 410. */
  readonly compact: Effect.Effect<void, EtcdError>
}

/** Through etcd's JSON gateway (etcd dev guide, "gRPC gateway"). */
const post = (url: string, path: string, body: unknown): Effect.Effect<unknown, EtcdError> =>
  Effect.tryPromise({
    try: async () => {
      const reply = await fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(body) })
      const text = await reply.text()
      if (!reply.ok) throw new Error(`${reply.status} ${text}`)
      return JSON.parse(text) as unknown
    },
    catch: (cause) => new EtcdError({ message: `etcd ${path}: ${String(cause)}` })
  })

export const make = (
  binary: string,
  folder: string
): Effect.Effect<Etcd, EtcdError | ProcessError | NeverCame, Scope.Scope> =>
  Effect.gen(function* () {
    const url = `http://127.0.0.1:${yield* Port.free}`
    const peers = `http://127.0.0.1:${yield* Port.free}`
    const process = yield* spawn({
      name: "etcd",
      command: binary,
      folder,
      args: [
        "--data-dir",
        join(folder, "etcd"),
        "--listen-client-urls",
        url,
        "--advertise-client-urls",
        url,
        "--listen-peer-urls",
        peers,
        // Tests need no durability beyond a killed process.
        "--unsafe-no-fsync"
      ]
    })
    yield* eventually(
      "etcd is healthy",
      Effect.promise(async () => {
        if (!process.isRunning()) return missing(tail(process))
        const reply = await fetch(`${url}/health`).catch(String)
        return typeof reply !== "string" && reply.ok ? there(undefined) : missing(String(reply))
      })
    )
    return {
      url,
      compact: Effect.gen(function* () {
        const range = (yield* post(url, "/v3/kv/range", { key: "AA==", limit: 1 })) as {
          readonly header: { readonly revision: string }
        }
        yield* post(url, "/v3/kv/compaction", { revision: range.header.revision, physical: true })
      })
    }
  })
