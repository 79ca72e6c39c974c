/**
 * `kubestatic`: the operator on a cluster.
 * Rule: probes listen before anything can take long; what can never work ends the process with one line, what may
 * work later is tried again and said.
 */
import { Context, Effect, Layer, Schedule } from "effect"
import { placementOnAws } from "../domain/Node.ts"
import type { Ec2 } from "../ec2/Ec2.ts"
import * as MetricsServer from "../http/Metrics.ts"
import * as Probes from "../http/Probes.ts"
import { Access } from "../kubernetes/Access.ts"
import { Kubernetes, namespaces } from "../kubernetes/Kubernetes.ts"
import * as Leadership from "../kubernetes/Leadership.ts"
import type { Options } from "../Options.ts"
import * as Composition from "../operator/Composition.ts"
import { Operator } from "../operator/Operator.ts"
import { Settings } from "../operator/Settings.ts"
import { OptionsError } from "./OptionsError.ts"
import * as SimulatedProvider from "./SimulatedProvider.ts"
import { version } from "./Version.ts"

/** What the command line chose of the outside world. */
export interface Worlds<E1, E2> {
  readonly access: Layer.Layer<Access, E1>
  readonly kubernetes: Layer.Layer<Kubernetes, never, Access>
  /** Of its own, so that no burst of other requests delays a renewal. */
  readonly leases: Layer.Layer<Kubernetes, never, Access>
  /** For --cloud-provider=aws. */
  readonly ec2: Layer.Layer<Ec2, E2>
}

const patience = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")]).pipe(
  Schedule.jittered
)

/** The UID of kube-system is the cluster's own id: it never changes, and no other cluster has it. */
const ownClusterId = Effect.gen(function* () {
  const kubernetes = yield* Kubernetes
  const namespace = yield* kubernetes.get(namespaces, { name: "kube-system" }).pipe(
    Effect.tapError((error) => Effect.logWarning(`The cluster's id cannot be read: ${error.message}`)),
    Effect.retry(patience),
    Effect.orDie
  )
  return String(namespace.metadata.uid)
})

const settings = (options: Options): Layer.Layer<Settings, never, Kubernetes> =>
  Layer.effect(
    Settings,
    Effect.gen(function* () {
      const clusterId = options.clusterId ?? (yield* ownClusterId)
      yield* Effect.logInfo(`Cluster id ${clusterId}`)
      return Settings.of({
        ...options,
        clusterId,
        placementOf: options.cloudProvider === "aws" ? placementOnAws : SimulatedProvider.placementOf
      })
    })
  )

const leadership = <E1, E2>(options: Options, worlds: Worlds<E1, E2>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      if (!options.leaderElect) return Leadership.layerAlone
      const access = yield* Access
      const namespace = options.leaderElectionNamespace ?? access.namespace
      if (namespace === undefined) {
        const message =
          "--leader-election-namespace: none given, and none known from a service account or kubeconfig context"
        return yield* new OptionsError({ message })
      }
      return Leadership.layer({ namespace }).pipe(Layer.provide(worlds.leases))
    })
  )

/** Runs until it is interrupted; fails when the lease is lost, supervision gives up or a port is taken. */
export const run = Effect.fn("kubestatic.run")(function* <E1, E2>(options: Options, worlds: Worlds<E1, E2>) {
  for (const warning of options.warnings) yield* Effect.logWarning(warning)
  if (options.dryRun) yield* Effect.logWarning("--dry-run: nothing is written but the lease")
  let operator: Operator["Service"] | undefined
  yield* Layer.build(
    Probes.layer(options.healthProbeBindAddress, {
      // Until there is an operator to ask, the process is starting, which is no reason to restart it.
      isHealthy: Effect.suspend(() => operator?.isHealthy ?? Effect.succeed(true)),
      isReady: Effect.suspend(() => operator?.isReady ?? Effect.succeed(false))
    })
  )
  const base = yield* Layer.build(worlds.kubernetes.pipe(Layer.provideMerge(worlds.access)))
  yield* Layer.build(
    MetricsServer.layer(options.metricsBindAddress, {
      isSecure: options.metricsSecure,
      certificateFolder: options.metricsCertDir,
      version,
      refresh: Effect.suspend(() => operator?.updateGauges ?? Effect.void)
    })
  ).pipe(Effect.provideContext(base))
  const whole = Composition.layer(options).pipe(
    Layer.provide(options.cloudProvider === "aws" ? worlds.ec2 : SimulatedProvider.layer),
    Layer.provide(settings(options)),
    Layer.provide(leadership(options, worlds))
  )
  const context = yield* Layer.build(whole).pipe(Effect.provideContext(base))
  operator = Context.get(context, Operator)
  return yield* operator.run
}, Effect.scoped)
