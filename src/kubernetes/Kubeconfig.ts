/**
 * Access by kubeconfig files: contexts, client certificates, tokens, exec plugins, proxies.
 * Rule: the files are read by @kubernetes/client-node's KubeConfig and by nothing else; it is loaded only when a
 * kubeconfig is used, because its module graph costs some 80 MB that a pod never needs.
 */

import { Agent } from "node:http"
import type { RequestOptions } from "node:https"
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js"
import { Effect } from "effect"
import { Access, ConfigurationError, type Credentials, CredentialsError, type Tls } from "./Access.ts"
import * as CredentialCache from "./CredentialCache.ts"

const oneLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).trim().replaceAll(/\s*\n\s*/g, " ")

const load = (files: ReadonlyArray<string>): Effect.Effect<KubeConfig, ConfigurationError> =>
  Effect.tryPromise({
    try: async () => {
      const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js")
      const merged = new KubeConfig()
      for (const [index, file] of files.entries()) {
        if (index === 0) {
          merged.loadFromFile(file)
        } else {
          const next = new KubeConfig()
          next.loadFromFile(file)
          // The first file that names a context decides, as in kubectl.
          merged.mergeConfig(next, Boolean(merged.getCurrentContext()))
        }
      }
      return merged
    },
    catch: (cause) => new ConfigurationError({ message: `kubeconfig ${files.join(", ")}: ${oneLine(cause)}` })
  })

/** KubeConfig sets what it knows, null where a kubeconfig says nothing. */
const textOrBytes = (value: unknown): string | Buffer | undefined =>
  typeof value === "string" || Buffer.isBuffer(value) ? value : undefined

const tlsOf = (options: RequestOptions): Tls => {
  const ca = textOrBytes(options.ca)
  const cert = textOrBytes(options.cert)
  const key = textOrBytes(options.key)
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(options.servername === undefined ? {} : { servername: options.servername }),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized })
  }
}

const headersOf = (options: RequestOptions): Record<string, string> => {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // A token read from a file ends in a newline now and then, which no header may carry.
    if (value !== undefined) headers[name.toLowerCase()] = String(value).trim()
  }
  if (typeof options.auth === "string" && headers.authorization === undefined) {
    headers.authorization = `Basic ${Buffer.from(options.auth).toString("base64")}`
  }
  return headers
}

/** Files and plugins are read inside KubeConfig, which keeps a token for a minute or as long as its plugin says. */
const readCredentials = (config: KubeConfig): Effect.Effect<Credentials, CredentialsError> =>
  Effect.tryPromise({
    try: async () => {
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      const credentials: Credentials = { headers: headersOf(options), tls: tlsOf(options) }
      return config.getCurrentCluster()?.proxyUrl && options.agent instanceof Agent
        ? { ...credentials, proxy: options.agent }
        : credentials
    },
    catch: (cause) => new CredentialsError({ message: oneLine(cause) })
  })

/** `files` exist; the first one wins where two say different things. */
export const access = Effect.fn("Kubeconfig.access")(function* (files: ReadonlyArray<string>) {
  const refuse = (message: string) =>
    new ConfigurationError({ message: `kubeconfig ${files.join(", ")}: ${message}` })

  let config = yield* load(files)
  const context = config.getContextObject(config.getCurrentContext())
  if (context === null) return yield* refuse("it has no current context")
  const cluster = config.getCurrentCluster()
  if (cluster === null) return yield* refuse(`its context names cluster ${context.cluster}, which it lacks`)
  const server = URL.parse(cluster.server)
  if (server === null) return yield* refuse(`${cluster.server} is not an address`)

  const read = Effect.fnUntraced(function* (afresh: boolean) {
    if (afresh) {
      config = yield* Effect.mapError(
        load(files),
        (error) => new CredentialsError({ message: error.message })
      )
    }
    return yield* readCredentials(config)
  })
  const first = yield* Effect.mapError(read(false), (error) => refuse(error.message))
  const cache = yield* CredentialCache.make(first, read)
  return Access.of({
    server,
    namespace: context.namespace || undefined,
    credentials: cache.current,
    renewed: cache.renewed
  })
})
