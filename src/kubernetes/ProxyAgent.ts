/**
 * The way to the API server through the proxy that a kubeconfig names: HTTP CONNECT, or SOCKS.
 * Rule: an agent is made for one reading of the TLS material, since it keeps that for good; it holds no connection
 * without a request, so another one takes its place at any time, and it is empty when its last request has ended.
 */
import { Agent } from "node:http"
import type { RequestOptions } from "node:https"
import type { Cluster } from "@kubernetes/client-node/dist/config_types.js"
import { Duration } from "effect"
import type { Tls } from "./Access.ts"

/** `connectTimeout`: until the proxy has answered CONNECT. */
export const make = async (cluster: Cluster, tls: Tls, connectTimeout: Duration.Duration): Promise<Agent> => {
  const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js")
  const { name, server, skipTLSVerify, proxyUrl = "" } = cluster
  // A KubeConfig makes one agent and no second: a new one each time, with what was read and nothing to read itself.
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ name, server, skipTLSVerify, proxyUrl }, { name: "" })
  const options: RequestOptions = { ...tls }
  // A request that is given up does not reach its CONNECT, and by itself that would wait for ever. SOCKS ends its
  // handshake after 30 s, and would take a time-out for one of the connection: a silent watch would be cut.
  if (!proxyUrl.startsWith("socks")) options.timeout = Duration.toMillis(connectTimeout)
  await config.applyToHTTPSOptions(options)
  if (options.agent instanceof Agent) return options.agent
  throw new Error(`no way through proxy ${proxyUrl}`)
}
