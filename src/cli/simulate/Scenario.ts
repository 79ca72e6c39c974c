/**
 * A story told over the pretend worlds: what is there before the operator starts, and what happens then.
 * Rule: it speaks as users, autoscalers and clouds do; the operator is never mentioned in it.
 */
import type { Effect } from "effect"
import type { Resource } from "../../kubernetes/Kubernetes.ts"
import type { Cloud, Failure } from "../../simulation/Cloud.ts"
import type { Ec2World } from "../../simulation/Ec2World.ts"
import type { Cluster } from "../../simulation/Kubernetes.ts"

export interface Stage {
  readonly cloud: Cloud["Service"]
  /** A cloud that takes no time: for what is there from the start. */
  readonly instantly: Cloud["Service"]
  readonly cluster: Cluster["Service"]
  readonly ec2: Ec2World["Service"]
  readonly nodes: number
  /** Until everything asked for so far is true. */
  readonly settled: Effect.Effect<void>
}

type Told = Effect.Effect<void, Failure>

/** An object, in the namespace `default` where its kind has namespaces. */
export interface Made {
  readonly resource: Resource
  readonly name: string
}

export interface Scenario {
  readonly name: string
  readonly summary: string
  /** What it creates in the cluster, now or later: what the files say must have other names. */
  readonly makes: (nodes: number) => ReadonlyArray<Made>
  readonly before: (stage: Stage) => Told
  readonly during: (stage: Stage) => Told
}
