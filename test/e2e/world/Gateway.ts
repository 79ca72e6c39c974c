/**
 * A gateway in front of the API server that answers some requests itself: 429 and 5xx, with or without the request
 * having gone through.
 * Rule: everything else passes unchanged, watches included.
 */
import { createServer, request } from "node:https"
import { Effect, type Scope } from "effect"
import * as SelfSigned from "../../../src/http/SelfSigned.ts"
import { listen } from "./Listening.ts"

export type Fate =
  | { readonly _tag: "Pass" }
  | { readonly _tag: "Refuse"; readonly status: number; readonly retryAfter?: number }
  | { readonly _tag: "FailAfter"; readonly status: number }

export interface Asked {
  readonly method: string
  readonly path: string
}

export interface Gateway {
  readonly url: string
  /** PEM. */
  readonly authority: string
  readonly decide: (fate: (asked: Asked) => Fate) => void
  /** How often each fate was met. */
  readonly met: () => Readonly<Record<Fate["_tag"], number>>
  /** How often the API server itself answered with that status. */
  readonly answered: (status: number) => number
}

const status = (code: number): string =>
  JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", message: "by the gateway", code })

export const make = (target: number): Effect.Effect<Gateway, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { certificate, key } = yield* SelfSigned.make
    const met: Record<Fate["_tag"], number> = { Pass: 0, Refuse: 0, FailAfter: 0 }
    const answers = new Map<number, number>()
    let decide: (asked: Asked) => Fate = () => ({ _tag: "Pass" })

    const port = yield* listen(
      () =>
        createServer({ cert: certificate, key }, (incoming, response) => {
          const fate = decide({ method: incoming.method ?? "", path: incoming.url ?? "" })
          met[fate._tag] += 1
          if (fate._tag === "Refuse") {
            incoming.resume()
            response.writeHead(fate.status, {
              "content-type": "application/json",
              ...(fate.retryAfter === undefined ? {} : { "retry-after": String(fate.retryAfter) })
            })
            response.end(status(fate.status))
            return
          }
          const asked = request(
            {
              host: "127.0.0.1",
              port: target,
              method: incoming.method,
              path: incoming.url,
              headers: incoming.headers,
              // The caller's trust is in the gateway; this is the loopback interface.
              rejectUnauthorized: false
            },
            (reply) => {
              const code = reply.statusCode ?? 0
              answers.set(code, (answers.get(code) ?? 0) + 1)
              if (fate._tag === "FailAfter") {
                reply.resume()
                reply.on("end", () => {
                  response.writeHead(fate.status, { "content-type": "application/json" })
                  response.end(status(fate.status))
                })
                return
              }
              response.writeHead(reply.statusCode ?? 502, reply.headers)
              response.flushHeaders()
              reply.pipe(response)
              reply.on("error", () => response.destroy())
            }
          )
          asked.on("error", () => response.destroy())
          response.on("close", () => asked.destroy())
          incoming.pipe(asked)
        }),
      (server) => server.closeAllConnections()
    )
    return {
      url: `https://127.0.0.1:${port}`,
      authority: certificate,
      decide: (fate) => {
        decide = fate
      },
      met: () => met,
      answered: (code) => answers.get(code) ?? 0
    }
  })
