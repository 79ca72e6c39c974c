/**
 * Access by kubeconfig files: contexts, client certificates, tokens, exec plugins, proxies.
 * Rule: the files are read by @kubernetes/client-node's KubeConfig, but for what KubeconfigUser reads; it is
 * loaded only when a kubeconfig is used, because its module graph costs some 80 MB that a pod never needs.
 */

import { readFile } from "node:fs/promises"
import type { RequestOptions } from "node:https"
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js"
import type { Cluster } from "@kubernetes/client-node/dist/config_types.js"
import { Effect } from "effect"
import { Access, ConfigurationError, type Credentials, CredentialsError, type Tls } from "./Access.ts"
import { connectTimeout } from "./Connection.ts"
import * as CredentialCache from "./CredentialCache.ts"
import * as Impersonation from "./Impersonation.ts"
import * as KubeconfigUser from "./KubeconfigUser.ts"
import * as ProxyAgent from "./ProxyAgent.ts"

const oneLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).trim().replaceAll(/\s*\n\s*/g, " ")

/** What the current context names. */
interface Loaded {
  /** It knows this cluster and this user only. */
  readonly config: KubeConfig
  readonly cluster: Cluster
  readonly server: URL
  readonly namespace: string | undefined
  readonly user: KubeconfigUser.KubeconfigUser | undefined
}

const refuse = (files: ReadonlyArray<string>, message: string) =>
  new ConfigurationError({ message: `kubeconfig ${files.join(", ")}: ${message}` })

const merge = (files: ReadonlyArray<string>) =>
  Effect.tryPromise({
    try: async () => {
      const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js")
      const config = new KubeConfig()
      const users = new Map<string, KubeconfigUser.KubeconfigUser>()
      for (const [index, file] of files.entries()) {
        if (index === 0) {
          config.loadFromFile(file)
        } else {
          const next = new KubeConfig()
          next.loadFromFile(file)
          // The first file that names a context decides, as in kubectl.
          config.mergeConfig(next, Boolean(config.getCurrentContext()))
        }
        for (const [name, user] of await KubeconfigUser.read(file)) {
          if (!users.has(name)) users.set(name, user)
        }
      }
      return { config, users }
    },
    catch: (cause) => refuse(files, oneLine(cause))
  })

const load = Effect.fnUntraced(function* (files: ReadonlyArray<string>) {
  const { config, users } = yield* merge(files)
  const context = config.getContextObject(config.getCurrentContext())
  if (context === null) return yield* refuse(files, "it has no current context")
  const cluster = config.getCluster(context.cluster)
  if (cluster === null) {
    return yield* refuse(files, `its context names cluster ${context.cluster}, which it lacks`)
  }
  const server = URL.parse(cluster.server)
  if (server === null) return yield* refuse(files, `${cluster.server} is not an address`)
  // A context may name nobody. Without a user KubeConfig would leave out what the cluster says of TLS.
  const known = context.user ? config.getUser(context.user) : { name: "" }
  if (known === null) return yield* refuse(files, `its context names user ${context.user}, which it lacks`)
  const user = users.get(known.name)
  const field = user && Impersonation.withoutName(user.impersonation)
  if (field !== undefined) return yield* refuse(files, `user ${known.name} has ${field} without as`)
  const command = user?.plugin
  config.loadFromClusterAndUser(
    cluster,
    command === undefined ? known : { ...known, exec: { ...known.exec, command } }
  )
  return { config, cluster, server, namespace: context.namespace || undefined, user } satisfies Loaded
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
const readCredentials = ({ config, cluster, user }: Loaded): Effect.Effect<Credentials, CredentialsError> =>
  Effect.tryPromise({
    try: async () => {
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      const headers = headersOf(options)
      // It takes precedence over a token that is written beside it, as in client-go.
      if (user?.tokenFile !== undefined) {
        headers.authorization = `Bearer ${(await readFile(user.tokenFile, "utf8")).trim()}`
      }
      const tls = tlsOf(options)
      const credentials = Impersonation.add({ headers, tls }, user?.impersonation ?? {})
      // Not the agent in the options: KubeConfig makes that once, with the first CA and certificate it reads.
      return cluster.proxyUrl
        ? { ...credentials, proxy: await ProxyAgent.make(cluster, tls, connectTimeout) }
        : credentials
    },
    catch: (cause) => new CredentialsError({ message: oneLine(cause) })
  })

/** `files` exist; the first one wins where two say different things. */
export const access = Effect.fn("Kubeconfig.access")(function* (files: ReadonlyArray<string>) {
  let loaded: Loaded = yield* load(files)
  const { server, namespace } = loaded

  const read = Effect.fnUntraced(function* (afresh: boolean) {
    if (afresh) {
      loaded = yield* Effect.mapError(
        load(files),
        (error) => new CredentialsError({ message: error.message })
      )
    }
    return yield* readCredentials(loaded)
  })
  const first = yield* Effect.mapError(read(false), (error) => refuse(files, error.message))
  const cache = yield* CredentialCache.make(first, read)
  return Access.of({ server, namespace, credentials: cache.current, renewed: cache.renewed })
})
