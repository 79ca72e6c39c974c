/**
 * The operator put together from the two worlds it is given.
 * Rule: the same in production, in the simulator and in tests; only the layers below it differ.
 */
import { Effect, Layer } from "effect"
import type { Ec2 } from "../ec2/Ec2.ts"
import * as Governor from "../ec2/Governor.ts"
import * as GuardedEc2 from "../ec2/Guarded.ts"
import * as Inventory from "../ec2/Inventory.ts"
import * as Events from "../kubernetes/Events.ts"
import * as GuardedKubernetes from "../kubernetes/Guarded.ts"
import type { Kubernetes } from "../kubernetes/Kubernetes.ts"
import { Leadership } from "../kubernetes/Leadership.ts"
import * as Cluster from "./Cluster.ts"
import * as Mirrors from "./Mirrors.ts"
import * as Operator from "./Operator.ts"
import { Settings } from "./Settings.ts"

export interface Options {
  /** Of the account's request buckets, from 0 (excluded) to 1. */
  readonly ec2RateShare: number
  readonly dryRun: boolean
}

/** Both services are given unguarded: pacing, fencing and write-through are added here. */
export const layer = (
  options: Options
): Layer.Layer<
  Operator.Operator | Mirrors.Mirrors | Governor.Governor | GuardedKubernetes.Writes,
  never,
  Kubernetes | Ec2 | Leadership | Settings
> => {
  const ec2 = Layer.unwrap(
    Effect.map(Leadership, ({ mayWrite }) => GuardedEc2.layer({ mayWrite, dryRun: options.dryRun }))
  ).pipe(Layer.provideMerge(Governor.layer({ share: options.ec2RateShare })))
  const inventory = Layer.unwrap(
    Effect.map(Settings, ({ adoptClusterIds, clusterId }) =>
      Inventory.layer({ clusterIds: [clusterId, ...adoptClusterIds] })
    )
  )
  return Operator.layer.pipe(
    Layer.provide(Cluster.layer),
    Layer.provide(Events.layer),
    Layer.provideMerge(Mirrors.layer),
    Layer.provide(inventory),
    Layer.provideMerge(ec2),
    Layer.provideMerge(GuardedKubernetes.layer({ dryRun: options.dryRun }))
  )
}
