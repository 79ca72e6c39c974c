/** The pretended API server answers as the real one does. */
import { assert } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import * as Configuration from "../../../src/kubernetes/Configuration.ts"
import { Kubernetes } from "../../../src/kubernetes/Kubernetes.ts"
import { KubernetesError } from "../../../src/kubernetes/KubernetesError.ts"
import * as Live from "../../../src/kubernetes/Live.ts"
import * as Path from "../../../src/kubernetes/Path.ts"
import { reasonOfAnswer } from "../../../src/kubernetes/StatusCode.ts"
import * as Simulation from "../../../src/simulation/Kubernetes.ts"
import type { ApiServer } from "../world/ApiServer.ts"
import { suite } from "../world/Suite.ts"
import { check } from "./Conformance.ts"
import { perform, type Server } from "./KubernetesAnswers.ts"
import { apart, differences } from "./KubernetesDifferences.ts"
import { sequence } from "./KubernetesDraws.ts"

const seed = Number(process.env.KUBESTATIC_CONFORMANCE_SEED ?? "1")
const sequences = Number(process.env.KUBESTATIC_CONFORMANCE_SEQUENCES ?? "60")

const pretended = Effect.map(
  Simulation.make({ seed: "conformance", latency: Effect.succeed(Duration.zero) }),
  ({ cluster, service }): Server => ({ service, remove: cluster.remove })
)

/** The operator's own client; it has no verb to delete with. */
const real = (apiServer: ApiServer, service: Kubernetes["Service"]): Server => ({
  service,
  remove: (resource, ref) =>
    Effect.gen(function* () {
      const path = `${Path.object(resource, ref)}?gracePeriodSeconds=0`
      const reply = yield* apiServer.request({ method: "DELETE", path })
      if (reply.status >= 200 && reply.status <= 299) return
      const reason = reasonOfAnswer({ code: reply.status, body: reply.body, retryAfter: undefined })
      return yield* new KubernetesError({ operation: `delete ${path}`, reason })
    })
})

suite("the pretended API server", { asksEc2: false }, (scenario) => {
  scenario("answers generated sequences of requests as the real one does", ({ apiServer }) =>
    Effect.gen(function* () {
      const service = yield* Kubernetes
      const figures = yield* check({
        seed,
        sequences,
        draw: sequence,
        pretended: (requests) => Effect.flatMap(pretended, (server) => perform(server, requests)),
        real: (requests) => perform(real(apiServer, service), requests),
        differences,
        apart
      })
      assert.isAbove(figures.requests, figures.sequences)
      process.stdout.write(
        `\nKubernetes: ${figures.sequences} sequences of up to ${figures.longest} requests, ${figures.requests} requests and ${figures.answers - figures.requests} watch events, the same from both (seed ${seed}); ${figures.listed} differences listed\n`
      )
    }).pipe(Effect.provide(Live.layer.pipe(Layer.provide(Configuration.layer(apiServer.kubeconfig)))))
  )
})
