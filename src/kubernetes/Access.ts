/**
 * How the API server is reached: where it is, and what proves who we are.
 * Rule: credentials are asked for before each request and never kept by the asker; they rotate.
 */
import type { Agent } from "node:http"
import { Context, type Effect, Schema } from "effect"

/** No configuration can be found or used. The message is one line that names the file or variable. */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>()("ConfigurationError", {
  message: Schema.String
}) {}

/** A token, certificate or plugin could not be read just now; it may work later. */
export class CredentialsError extends Schema.TaggedError<CredentialsError>()("CredentialsError", {
  message: Schema.String
}) {}

/** What a TLS connection depends on; another value means another connection. */
export interface Tls {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface Credentials {
  /** Authorization and impersonation; one of several values is sent once for each. */
  readonly headers: Readonly<Record<string, string | Array<string>>>
  readonly tls: Tls
  /** Present when the way leads through a proxy; it is used instead of an agent of our own. */
  readonly proxy?: Agent
}

export class Access extends Context.Service<
  Access,
  {
    /** Scheme, host, port, and the path prefix that some gateways have. */
    readonly server: URL
    /** The namespace of the service account, else of the kubeconfig's context. */
    readonly namespace: string | undefined
    readonly credentials: Effect.Effect<Credentials>
    /** After a 401: credentials that are not `refused`, read anew unless somebody else has done so already. */
    readonly renewed: (refused: Credentials) => Effect.Effect<Credentials, CredentialsError>
  }
>()("kubestatic/kubernetes/Access") {}
