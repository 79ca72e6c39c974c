/**
 * A plain HTTP client for the tests, without anything of the server's own libraries.
 */
import * as Http from "node:http"
import * as Https from "node:https"
import type { TLSSocket } from "node:tls"
import { Effect } from "effect"

export interface Answer {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly body: string
  /** SHA-256 of the certificate, with HTTPS. */
  readonly fingerprint: string | undefined
}

export interface Request {
  readonly port: number
  readonly path: string
  readonly method?: string
  readonly token?: string
  readonly authorization?: string
  /** HTTPS: trust exactly this certificate for localhost, or none in particular. */
  readonly tls?: { readonly trust: string } | "any"
}

export const send = (request: Request): Effect.Effect<Answer, Error> =>
  Effect.callback((resume) => {
    const { port, path, method = "GET", token, tls } = request
    const authorization = request.authorization ?? (token === undefined ? undefined : `Bearer ${token}`)
    const receive = (message: Http.IncomingMessage): void => {
      const chunks: Array<Buffer> = []
      const certificate = tls === undefined ? undefined : (message.socket as TLSSocket).getPeerCertificate()
      message.on("data", (chunk: Buffer) => chunks.push(chunk))
      message.on("end", () =>
        resume(
          Effect.succeed({
            status: message.statusCode ?? 0,
            headers: message.headers,
            body: Buffer.concat(chunks).toString(),
            fingerprint: certificate?.fingerprint256
          })
        )
      )
    }
    const options = {
      host: "127.0.0.1",
      port,
      path,
      method,
      agent: false,
      headers: authorization === undefined ? {} : { authorization }
    } as const
    const sent =
      tls === undefined
        ? Http.request(options, receive)
        : Https.request(
            {
              ...options,
              servername: "localhost",
              ...(tls === "any" ? { rejectUnauthorized: false } : { ca: tls.trust })
            },
            receive
          )
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end()
    return Effect.sync(() => sent.destroy())
  })
