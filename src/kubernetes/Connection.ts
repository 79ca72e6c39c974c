/**
 * HTTP/1.1 to the API server through one shared agent: keep-alive, time-outs, credentials, one retry after a 401.
 * Rule: a request lives in a scope; when the scope closes before the answer is read, its socket is closed too.
 */
import * as http from "node:http"
import * as https from "node:https"
import { Deferred, Duration, Effect, Exit, type Scope } from "effect"
import { Access, type Credentials, type Tls } from "./Access.ts"
import { Unreachable } from "./KubernetesError.ts"

export interface Request {
  readonly method: "GET" | "POST" | "PATCH" | "PUT"
  /** Path and query, below the server's own prefix. */
  readonly path: string
  readonly contentType?: "application/json" | "application/merge-patch+json"
  readonly body?: string
  /** The answer is read as it comes, for minutes; while nobody reads, it is to stay in the network. */
  readonly isWatch?: boolean
}

/** TCP and TLS together. */
export const connectTimeout = Duration.seconds(10)
/** From the request to the first byte of the answer; API priority and fairness may queue a request for a while. */
export const headersTimeout = Duration.seconds(30)

/** The API server closes a connection that is idle for 90 s; ours go first, so that none is used as it closes. */
const idleMillis = 60_000
const keepAliveMillis = 15_000

const fingerprint = (tls: Tls): string =>
  JSON.stringify(
    [tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized].map((part) => String(part))
  )

/**
 * The agent, another one when the TLS material has changed. Requests under way end on the old one.
 * `highWaterMark`: bytes that a socket takes in ahead of whoever reads (tls.connect); Node's own measure when absent.
 */
const makeAgents = (isTls: boolean, highWaterMark?: number) => {
  let agent: http.Agent | undefined
  let madeFor = ""
  return {
    agentFor: ({ tls, proxy }: Credentials): http.Agent => {
      if (proxy !== undefined) return proxy
      const wanted = fingerprint(tls)
      if (agent === undefined || madeFor !== wanted) {
        const options = {
          keepAlive: true,
          keepAliveMsecs: keepAliveMillis,
          timeout: idleMillis,
          ...(highWaterMark === undefined ? {} : { highWaterMark })
        }
        agent = isTls ? new https.Agent({ ...options, ...tls }) : new http.Agent(options)
        madeFor = wanted
      }
      return agent
    },
    close: () => agent?.destroy()
  }
}

interface Exchange {
  readonly request: http.ClientRequest
  readonly connected: Deferred.Deferred<void, Unreachable>
  readonly response: Deferred.Deferred<http.IncomingMessage, Unreachable>
}

/** A system error as one line: some carry their text only in the code. */
export const describe = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : ""
  return cause.message.includes(code) ? cause.message || code : `${code}: ${cause.message}`
}

const start = (options: https.RequestOptions, isTls: boolean, body: string | undefined): Exchange => {
  const connected = Deferred.makeUnsafe<void, Unreachable>()
  const response = Deferred.makeUnsafe<http.IncomingMessage, Unreachable>()
  const request = (isTls ? https : http).request(options)
  const isConnected = () => {
    Deferred.doneUnsafe(connected, Exit.void)
  }
  request.on("socket", (socket) => {
    if (socket.connecting) socket.once(isTls ? "secureConnect" : "connect", isConnected)
    else isConnected()
  })
  request.on("response", (message) => {
    isConnected()
    Deferred.doneUnsafe(response, Exit.succeed(message))
  })
  request.on("error", (cause) => {
    const failure = Exit.fail(new Unreachable({ message: describe(cause) }))
    Deferred.doneUnsafe(connected, failure)
    Deferred.doneUnsafe(response, failure)
  })
  request.end(body)
  return { request, connected, response }
}

/** Does nothing to a socket whose answer was read to its end: that one is back in the agent's pool. */
const abandon = ({ request }: Exchange): Effect.Effect<void> =>
  Effect.sync(() => {
    request.destroy()
  })

const within = (duration: Duration.Duration, what: string) =>
  Effect.timeoutOrElse({
    duration,
    orElse: () => Effect.fail(new Unreachable({ message: `${what} within ${Duration.format(duration)}` }))
  })

export interface Connection {
  /** The answer once its headers are there; the body is still to be read, before the scope closes. */
  readonly send: (request: Request) => Effect.Effect<http.IncomingMessage, Unreachable, Scope.Scope>
}

export const make: Effect.Effect<Connection, never, Access | Scope.Scope> = Effect.gen(function* () {
  const access = yield* Access
  const { server } = access
  const isTls = server.protocol === "https:"
  const prefix = server.pathname.replace(/\/+$/, "")
  const agents = makeAgents(isTls)
  // Nothing ahead: a watch that is not read wakes nobody.
  const watchAgents = makeAgents(isTls, 1)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      agents.close()
      watchAgents.close()
    })
  )

  const sendWith = Effect.fnUntraced(function* (request: Request, credentials: Credentials) {
    const headers: http.OutgoingHttpHeaders = {
      accept: "application/json",
      "user-agent": "kubestatic",
      ...credentials.headers
    }
    if (request.contentType !== undefined) headers["content-type"] = request.contentType
    if (request.body !== undefined) headers["content-length"] = String(Buffer.byteLength(request.body))
    const exchange = yield* Effect.acquireRelease(
      Effect.try({
        try: () =>
          start(
            {
              // URL keeps the brackets of an IPv6 address, a socket wants it without.
              host: server.hostname.replace(/^\[|\]$/g, ""),
              port: server.port || (isTls ? 443 : 80),
              path: prefix + request.path,
              method: request.method,
              agent: (request.isWatch === true ? watchAgents : agents).agentFor(credentials),
              headers
            },
            isTls,
            request.body
          ),
        // A certificate or a header that Node itself refuses.
        catch: (cause) => new Unreachable({ message: describe(cause) })
      }),
      abandon
    )
    yield* within(connectTimeout, "no connection")(Deferred.await(exchange.connected))
    return yield* within(headersTimeout, "no answer")(Deferred.await(exchange.response))
  })

  const send = Effect.fnUntraced(function* (request: Request) {
    const credentials = yield* access.credentials
    const response = yield* sendWith(request, credentials)
    if (response.statusCode !== 401) return response
    // Refused before anything was done, so a write may be sent again: a token may have been rotated early.
    const renewed = yield* Effect.mapError(
      access.renewed(credentials),
      (error) => new Unreachable({ message: `credentials: ${error.message}` })
    )
    response.resume()
    return yield* sendWith(request, renewed)
  })

  return { send }
})
