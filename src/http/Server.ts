/**
 * One HTTP or HTTPS server with a few routes, listening for as long as its scope is open.
 * Rule: it listens before `serve` returns or fails with one line; closing it waits for no client.
 */
import * as Http from "node:http"
import * as Https from "node:https"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Schema } from "effect"
import { HttpRouter } from "effect/http"
import * as BindAddress from "./BindAddress.ts"

export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  /** One line that names the flag. */
  message: Schema.String
}) {}

/** PEM, as TLS wants them. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

export interface ServerOptions {
  /** For error messages: the flag that `bind` came from. */
  readonly flag: string
  readonly bind: BindAddress.BindAddress
  readonly routes: ReadonlyArray<HttpRouter.Route<never, never>>
  /** HTTPS when present. */
  readonly tls?: KeyPair
}

export interface Listening {
  /** The one that was chosen when 0 was asked for. */
  readonly port: number
  /** For connections from now on; those that are open keep theirs. Throws when the pair does not fit. */
  readonly replaceKeyPair: (pair: KeyPair) => void
}

/** A scrape or a probe is small: a client that is slower than this is none of ours. Milliseconds. */
const limits = { requestTimeout: 10_000, headersTimeout: 10_000 }

const secured = (pair: KeyPair) => ({
  cert: pair.certificate,
  key: pair.key,
  minVersion: "TLSv1.2" as const
})

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use",
  EACCES: "not permitted",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "no such host"
}

const whyNot = (cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  return reasons[code] ?? (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, " ")
}

/** Fails with ListenError, throws on a key pair that does not fit (Certificates gives out only such that do). */
export const serve = Effect.fn("Server.serve")(function* (options: ServerOptions) {
  const { bind, flag, routes, tls } = options
  const secure = tls === undefined ? undefined : Https.createServer({ ...limits, ...secured(tls) })
  const node: Http.Server = secure ?? Http.createServer(limits)

  const server = yield* NodeHttpServer.make(() => node, {
    port: bind.port,
    ...(bind.host === undefined ? {} : { host: bind.host }),
    disablePreemptiveShutdown: true
  }).pipe(
    Effect.mapError(
      ({ cause }) =>
        new ListenError({
          message: `--${flag}: cannot listen on ${BindAddress.format(bind)}: ${whyNot(cause)}`
        })
    )
  )

  // An "error" event that nobody listens to ends the process: out of file descriptors is no reason to.
  const context = yield* Effect.context<never>()
  node.on("error", (error) => {
    Effect.runForkWith(context)(Effect.logWarning(`--${flag}: ${whyNot(error)}`))
  })
  // Before the finalizer of `make`, which waits for every client: a stopping process has no time for slow ones.
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      node.close()
      node.closeAllConnections()
    })
  )

  const router = yield* HttpRouter.make
  yield* router.addAll(routes)
  yield* server.serve(router.asHttpEffect())

  const { address } = server
  const listening: Listening = {
    port: "port" in address ? address.port : bind.port,
    replaceKeyPair: (pair) => secure?.setSecureContext(secured(pair))
  }
  return listening
})
