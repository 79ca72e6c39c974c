/**
 * A server on a port of this machine that answers as a test says.
 * Rule: it records what came and over how many connections; it closes with the test's scope.
 */
import * as http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { Effect } from "effect"
import { Access, type Credentials } from "../../src/kubernetes/Access.ts"

export interface Received {
  readonly method: string
  readonly url: URL
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export type Respond = (request: Received, response: http.ServerResponse) => void

export const json = (response: http.ServerResponse, code: number, body: unknown, headers = {}): void => {
  response.writeHead(code, { "content-type": "application/json", ...headers })
  response.end(JSON.stringify(body))
}

export const start = (respond: Respond) =>
  Effect.acquireRelease(
    Effect.callback<{
      readonly server: http.Server
      readonly url: URL
      readonly received: Array<Received>
      readonly sockets: Set<Socket>
      readonly connections: () => number
    }>((resume) => {
      const received: Array<Received> = []
      const sockets = new Set<Socket>()
      let connections = 0
      const server = http.createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          const one = {
            method: request.method ?? "",
            url: new URL(request.url ?? "", "http://server"),
            headers: request.headers,
            body: Buffer.concat(chunks).toString()
          }
          received.push(one)
          respond(one, response)
        })
      })
      server.on("connection", (socket) => {
        connections++
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        const url = new URL(`http://127.0.0.1:${port}`)
        resume(Effect.succeed({ server, url, received, sockets, connections: () => connections }))
      })
    }),
    ({ server }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

/** Access with a token that the test may change; `renewals` tells how often another was asked for. */
export const accessTo = (server: URL, tokens: ReadonlyArray<string> = ["first"]) => {
  const credentialsOf = (token: string | undefined): Credentials => ({
    headers: { authorization: `Bearer ${token}` },
    tls: {}
  })
  const state = { renewals: 0, credentials: credentialsOf(tokens[0]) }
  const service = Access.of({
    server,
    namespace: "default",
    credentials: Effect.sync(() => state.credentials),
    renewed: () =>
      Effect.sync(() => {
        state.renewals++
        state.credentials = credentialsOf(tokens[Math.min(state.renewals, tokens.length - 1)])
        return state.credentials
      })
  })
  return { service, state }
}
