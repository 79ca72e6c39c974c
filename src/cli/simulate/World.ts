/**
 * Both pretend worlds with a cloud and an operator, put together for one run.
 * Rule: the operator's own code is the same as on a cluster; only its layers are pretended.
 */
import { Context, Duration, Effect, Layer } from "effect"
import { placementOnAws } from "../../domain/Node.ts"
import { Governor } from "../../ec2/Governor.ts"
import * as Leadership from "../../kubernetes/Leadership.ts"
import * as Composition from "../../operator/Composition.ts"
import { Operator } from "../../operator/Operator.ts"
import { Settings } from "../../operator/Settings.ts"
import * as Cloud from "../../simulation/Cloud.ts"
import * as Draw from "../../simulation/Draw.ts"
import * as Ec2Simulation from "../../simulation/Ec2.ts"
import * as Ec2Conditions from "../../simulation/Ec2Conditions.ts"
import { Ec2World } from "../../simulation/Ec2World.ts"
import * as KubernetesSimulation from "../../simulation/Kubernetes.ts"
import type { SimulateOptions } from "../SimulateOptions.ts"

/** Milliseconds that a request to the API server takes. */
const apiLatency = { min: 2, max: 15 }
const ownClusterId = "simulated"

export const make = Effect.fnUntraced(function* (options: SimulateOptions) {
  const seed = String(options.seed)
  const travel = yield* Draw.make(`${seed}/api`)
  const worlds = KubernetesSimulation.layer({
    seed,
    latency: Effect.sync(() => Duration.millis(Math.round(travel.between(apiLatency))))
  }).pipe(Layer.merge(Ec2Simulation.layer({ seed, conditions: { latency: Ec2Conditions.usualLatency } })))
  const clusterId = options.clusterId ?? ownClusterId
  const settings = Layer.succeed(
    Settings,
    Settings.of({
      ...options,
      clusterId,
      adoptClusterIds: [],
      vpcId: undefined,
      extraTags: {},
      placementOf: placementOnAws
    })
  )
  const context = yield* Layer.build(
    Composition.layer({ ec2RateShare: options.ec2RateShare, dryRun: false }).pipe(
      Layer.provide(settings),
      Layer.provide(Leadership.layerAlone),
      Layer.provideMerge(worlds)
    )
  )
  const cluster = Context.get(context, KubernetesSimulation.Cluster)
  const ec2 = Context.get(context, Ec2World)
  const { cloud, instantly } = yield* Cloud.makeBoth({ cluster, seed }).pipe(
    Effect.provideService(Ec2World, ec2)
  )
  return {
    cluster,
    ec2,
    cloud,
    instantly,
    operator: Context.get(context, Operator),
    governor: Context.get(context, Governor),
    clusterId
  }
})

export type World = Effect.Success<ReturnType<typeof make>>
