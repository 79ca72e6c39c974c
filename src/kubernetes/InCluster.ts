/**
 * Access from inside a pod: the service account that Kubernetes mounts.
 * Rule: the same files and variables as client-go's rest.InClusterConfig; nothing else is looked at.
 * Source: "Accessing the Kubernetes API from a Pod" and client-go rest/config.go.
 */
import { readFile } from "node:fs/promises"
import { isIPv6 } from "node:net"
import { join } from "node:path"
import { Effect } from "effect"
import { Access, ConfigurationError, type Credentials, CredentialsError } from "./Access.ts"
import * as CredentialCache from "./CredentialCache.ts"

export const serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

export interface Location {
  readonly host: string
  readonly port: string
  /** With the files `token`, `ca.crt` and `namespace`. */
  readonly directory: string
}

const read = (path: string): Effect.Effect<string, CredentialsError> =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) =>
      new CredentialsError({ message: cause instanceof Error ? cause.message : `${path} cannot be read` })
  })

const readCredentials = Effect.fnUntraced(function* (directory: string) {
  const [token, ca] = yield* Effect.all([read(join(directory, "token")), read(join(directory, "ca.crt"))])
  const credentials: Credentials = { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } }
  return credentials
})

const toConfigurationError = (error: CredentialsError) =>
  new ConfigurationError({ message: `the service account cannot be used: ${error.message}` })

export const access = Effect.fn("InCluster.access")(function* (location: Location) {
  const { host, port, directory } = location
  const address = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`
  const server = URL.parse(address)
  if (server === null) {
    return yield* new ConfigurationError({
      message: `KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT give no address: ${address}`
    })
  }
  const first = yield* Effect.mapError(readCredentials(directory), toConfigurationError)
  // A pod without it still works; only the lease then needs --leader-election-namespace.
  const namespace = yield* Effect.orElseSucceed(read(join(directory, "namespace")), () => "")
  const cache = yield* CredentialCache.make(first, () => readCredentials(directory))
  return Access.of({
    server,
    namespace: namespace.trim() || undefined,
    credentials: cache.current,
    renewed: cache.renewed
  })
})
