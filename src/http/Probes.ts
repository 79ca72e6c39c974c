/**
 * /healthz and /readyz, as the kubelet asks for them.
 * Rule: 200 or 503 with one line that says why; a check that breaks is a check that fails.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import type * as BindAddress from "./BindAddress.ts"
import * as Server from "./Server.ts"

export interface Checks {
  /** While every supervisor runs. */
  readonly isHealthy: Effect.Effect<boolean>
  /** Once every store has its first list and the first sweep has ended. */
  readonly isReady: Effect.Effect<boolean>
}

const probe = (path: `/${string}`, check: Effect.Effect<boolean>, whyNot: string) =>
  HttpRouter.route(
    "GET",
    path,
    Effect.map(
      Effect.catchCause(check, () => Effect.succeed(false)),
      (passes) =>
        passes ? HttpServerResponse.text("ok\n") : HttpServerResponse.text(`${whyNot}\n`, { status: 503 })
    )
  )

/** Listens in the background of its scope; fails with ListenError. */
export const serve = Effect.fn("Probes.serve")(function* (bind: BindAddress.BindAddress, checks: Checks) {
  return yield* Server.serve({
    flag: "health-probe-bind-address",
    bind,
    routes: [
      probe("/healthz", checks.isHealthy, "not healthy: a supervisor has ended"),
      probe("/readyz", checks.isReady, "not ready: waiting for the first lists and the first sweep")
    ]
  })
})

export const layer = (
  bind: BindAddress.BindAddress | "off",
  checks: Checks
): Layer.Layer<never, Server.ListenError> =>
  bind === "off" ? Layer.empty : Layer.effectDiscard(serve(bind, checks))
