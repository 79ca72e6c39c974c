/**
 * /metrics in the text format of Prometheus, from Effect's metric registry and the process itself.
 * Rule: only GET and HEAD; secure metrics ask the API server about every single scrape before they measure.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { Effect, Layer, Metric } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import * as Metrics from "../domain/Metrics.ts"
import { Kubernetes } from "../kubernetes/Kubernetes.ts"
import { authorize, bearerToken } from "./Authorization.ts"
import type * as BindAddress from "./BindAddress.ts"
import * as Certificates from "./Certificates.ts"
import * as ProcessMetrics from "./ProcessMetrics.ts"
import * as SelfSigned from "./SelfSigned.ts"
import * as Server from "./Server.ts"
import * as Zeroes from "./Zeroes.ts"

const path = "/metrics"

const refuse = (status: number, line: string, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.text(`${line}\n`, { status, headers })

/** Undefined when the request may be answered. */
const refusal = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const token = bearerToken(request.headers.authorization)
  const verdict = token === undefined ? ({ _tag: "Unauthenticated" } as const) : yield* authorize(token, path)
  switch (verdict._tag) {
    case "Allowed":
      return undefined
    case "Unauthenticated":
      return refuse(401, "a bearer token that the cluster knows is needed", { "www-authenticate": "Bearer" })
    case "Forbidden":
      return refuse(403, `${verdict.user} may not get the nonResourceURL ${path}`)
    case "Unavailable":
      return refuse(503, "the API server could not be asked")
  }
})

/** `measure` brings the metrics of the process up to date. */
const answer = (isSecure: boolean, measure: Effect.Effect<void>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(405, `${path} takes GET and HEAD`, { allow: "GET, HEAD" })
    }
    const refused = isSecure ? yield* refusal(request) : undefined
    if (refused !== undefined) return refused
    yield* measure
    return HttpServerResponse.text(yield* PrometheusMetrics.format(), {
      contentType: "text/plain; version=0.0.4; charset=utf-8"
    })
  })

export interface MetricsOptions {
  readonly bind: BindAddress.BindAddress
  /** HTTPS, and only for those who may get /metrics. */
  readonly isSecure: boolean
  /** With tls.crt and tls.key; undefined: a self-signed certificate. */
  readonly certificateFolder: string | undefined
  /** For kubestatic_build_info. */
  readonly version: string
  /** Brings gauges that are counted on demand up to date. */
  readonly refresh?: Effect.Effect<void>
}

/**
 * Listens in the background of its scope; fails with ListenError or CertificateError. The Kubernetes service
 * must let reviews through whoever leads, and in a dry run too: they change nothing.
 */
export const serve = Effect.fn("Metrics.serve")(
  function* (options: MetricsOptions) {
    const { bind, certificateFolder, isSecure, refresh = Effect.void, version } = options
    yield* Metric.update(Metric.withAttributes(Metrics.buildInfo, { version }), 1)
    yield* Zeroes.expose
    const measure = yield* ProcessMetrics.make
    const kubernetes = yield* Kubernetes
    const route = HttpRouter.route(
      "*",
      path,
      Effect.provideService(answer(isSecure, Effect.andThen(refresh, measure)), Kubernetes, kubernetes)
    )
    const common = { flag: "metrics-bind-address", bind, routes: [route] }

    if (!isSecure) return yield* Server.serve(common)
    if (certificateFolder === undefined)
      return yield* Server.serve({ ...common, tls: yield* SelfSigned.make })
    const tls = yield* Certificates.read(certificateFolder)
    const listening = yield* Server.serve({ ...common, tls })
    yield* Effect.forkScoped(Certificates.watch(certificateFolder, tls, listening.replaceKeyPair))
    return listening
  },
  Effect.provide([NodeFileSystem.layer, NodePath.layer])
)

export const layer = (
  bind: BindAddress.BindAddress | "off",
  options: Omit<MetricsOptions, "bind">
): Layer.Layer<never, Server.ListenError | Certificates.CertificateError, Kubernetes> =>
  bind === "off" ? Layer.empty : Layer.effectDiscard(serve({ ...options, bind }))
