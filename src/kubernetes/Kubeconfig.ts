/**
 * Access by kubeconfig files: contexts, client certificates, tokens, exec plugins, proxies.
 * Rule: the files are read by @kubernetes/client-node's KubeConfig, but for the one field that it drops; it is
 * loaded only when a kubeconfig is used, because its module graph costs some 80 MB that a pod never needs.
 */

import { readFile } from "node:fs/promises"
import type { RequestOptions } from "node:https"
import { dirname, resolve } from "node:path"
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js"
import { Effect } from "effect"
import { parse } from "yaml"
import { Access, ConfigurationError, type Credentials, CredentialsError, type Tls } from "./Access.ts"
import { connectTimeout } from "./Connection.ts"
import * as CredentialCache from "./CredentialCache.ts"
import * as ProxyAgent from "./ProxyAgent.ts"

const oneLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).trim().replaceAll(/\s*\n\s*/g, " ")

interface Loaded {
  readonly config: KubeConfig
  /** By the name of the user. */
  readonly tokenFiles: ReadonlyMap<string, string>
}

interface UsersOfFile {
  readonly users?: ReadonlyArray<{ readonly name: string; readonly user?: { readonly tokenFile?: string } }>
}

/** `users[].user.tokenFile` (client-go, clientcmd/api/v1.AuthInfo), which KubeConfig does not keep. */
const tokenFilesOf = async (file: string): Promise<ReadonlyMap<string, string>> => {
  const { users = [] } = (parse(await readFile(file, "utf8")) ?? {}) as UsersOfFile
  return new Map(
    users.flatMap(({ name, user }) =>
      user?.tokenFile ? [[name, resolve(dirname(file), user.tokenFile)] as const] : []
    )
  )
}

const load = (files: ReadonlyArray<string>): Effect.Effect<Loaded, ConfigurationError> =>
  Effect.tryPromise({
    try: async () => {
      const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js")
      const merged = new KubeConfig()
      const tokenFiles = new Map<string, string>()
      for (const [index, file] of files.entries()) {
        if (index === 0) {
          merged.loadFromFile(file)
        } else {
          const next = new KubeConfig()
          next.loadFromFile(file)
          // The first file that names a context decides, as in kubectl.
          merged.mergeConfig(next, Boolean(merged.getCurrentContext()))
        }
        for (const [user, path] of await tokenFilesOf(file)) {
          if (!tokenFiles.has(user)) tokenFiles.set(user, path)
        }
      }
      return { config: merged, tokenFiles }
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

/** Certificates and plugins are read inside KubeConfig, which keeps a plugin's token as long as that one says. */
const readCredentials = ({ config, tokenFiles }: Loaded): Effect.Effect<Credentials, CredentialsError> =>
  Effect.tryPromise({
    try: async () => {
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      const headers = headersOf(options)
      const tokenFile = tokenFiles.get(config.getCurrentUser()?.name ?? "")
      // It takes precedence over a token that is written beside it, as in client-go.
      if (tokenFile !== undefined) {
        headers.authorization = `Bearer ${(await readFile(tokenFile, "utf8")).trim()}`
      }
      const credentials: Credentials = { headers, tls: tlsOf(options) }
      const cluster = config.getCurrentCluster()
      // Not the agent in the options: KubeConfig makes that once, with the first CA and certificate it reads.
      return cluster?.proxyUrl
        ? { ...credentials, proxy: await ProxyAgent.make(cluster, credentials.tls, connectTimeout) }
        : credentials
    },
    catch: (cause) => new CredentialsError({ message: oneLine(cause) })
  })

/** `files` exist; the first one wins where two say different things. */
export const access = Effect.fn("Kubeconfig.access")(function* (files: ReadonlyArray<string>) {
  const refuse = (message: string) =>
    new ConfigurationError({ message: `kubeconfig ${files.join(", ")}: ${message}` })

  let loaded = yield* load(files)
  const { config } = loaded
  const context = config.getContextObject(config.getCurrentContext())
  if (context === null) return yield* refuse("it has no current context")
  const cluster = config.getCurrentCluster()
  if (cluster === null) return yield* refuse(`its context names cluster ${context.cluster}, which it lacks`)
  const server = URL.parse(cluster.server)
  if (server === null) return yield* refuse(`${cluster.server} is not an address`)

  const read = Effect.fnUntraced(function* (afresh: boolean) {
    if (afresh) {
      loaded = yield* Effect.mapError(
        load(files),
        (error) => new CredentialsError({ message: error.message })
      )
    }
    return yield* readCredentials(loaded)
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
