/**
 * Who may write: whether this process leads.
 * Rule: leadership is held only as far as the last renewal reaches, by this process's own clock, counted from before
 * the renewal was sent; it is asked again right before each write.
 */
import { hostname } from "node:os"
import { Context, Effect, Layer, Metric, Schema } from "effect"
import * as Metrics from "../domain/Metrics.ts"
import * as Election from "./Election.ts"
import { Kubernetes } from "./Kubernetes.ts"

/** The process must end: somebody else leads, or will soon. */
export class LeadershipLost extends Schema.TaggedError<LeadershipLost>()("LeadershipLost", {
  message: Schema.String
}) {}

export class Leadership extends Context.Service<
  Leadership,
  {
    /** Ends when this process leads. */
    readonly acquired: Effect.Effect<void>
    /** Fails when it no longer does; never ends otherwise. */
    readonly lost: Effect.Effect<never, LeadershipLost>
    /** Asked right before each write; it answers from memory. */
    readonly mayWrite: Effect.Effect<boolean>
    /** After the last write: lets a standby take over at once. Does nothing without the lease; never fails. */
    readonly release: Effect.Effect<void>
  }
>()("kubestatic/kubernetes/Leadership") {}

const report = (isLeader: boolean) => Metric.update(Metrics.leader, isLeader ? 1 : 0)

/**
 * By the lease, over a connection that nothing else uses. The election begins when the layer is built; the lease is
 * released when its scope closes, if that was not done before.
 */
export const layer = (options: { readonly namespace: string }): Layer.Layer<Leadership, never, Kubernetes> =>
  Layer.effect(
    Leadership,
    Effect.gen(function* () {
      const kubernetes = yield* Kubernetes
      const identity = yield* Election.identityOn(hostname())
      const election = yield* Election.hold({ kubernetes, namespace: options.namespace, identity, report })
      yield* Effect.addFinalizer(() => election.release)
      return Leadership.of({
        ...election,
        lost: Effect.mapError(election.lost, (message) => new LeadershipLost({ message }))
      })
    })
  )

/** --leader-elect=false: nobody else is expected to write. */
export const layerAlone: Layer.Layer<Leadership> = Layer.effect(
  Leadership,
  Effect.as(
    report(true),
    Leadership.of({
      acquired: Effect.void,
      lost: Effect.never,
      mayWrite: Effect.succeed(true),
      release: Effect.void
    })
  )
)
