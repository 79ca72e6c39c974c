/**
 * The whole operator over both pretended worlds, in a time that never waits.
 * Rule: latencies are those of a region and of a busy API server; what is measured in here is world time and counts,
 * which no machine changes.
 */
import { Clock, Context, Duration, Effect, Fiber, Layer, Random, References } from "effect"
import { openPort } from "../../src/cli/simulate/Scenarios.ts"
import { startupTaint } from "../../src/domain/Names.ts"
import * as Node from "../../src/domain/Node.ts"
import { nodes } from "../../src/kubernetes/Kubernetes.ts"
import * as Leadership from "../../src/kubernetes/Leadership.ts"
import * as Composition from "../../src/operator/Composition.ts"
import { Operator } from "../../src/operator/Operator.ts"
import { Settings } from "../../src/operator/Settings.ts"
import * as Clocks from "../../src/simulation/Clocks.ts"
import * as Cloud from "../../src/simulation/Cloud.ts"
import * as Draw from "../../src/simulation/Draw.ts"
import * as Ec2Simulation from "../../src/simulation/Ec2.ts"
import * as Ec2Conditions from "../../src/simulation/Ec2Conditions.ts"
import { Ec2World } from "../../src/simulation/Ec2World.ts"
import * as KubernetesSimulation from "../../src/simulation/Kubernetes.ts"
import * as Truth from "../../src/simulation/Truth.ts"
import { settingsOf } from "../Settings.ts"

/** Milliseconds, from a request to its answer. */
export const apiLatency = { min: 2, max: 15 }
export const ec2Latency = Ec2Conditions.usualLatency

const clusterId = "bench"

export interface Options {
  readonly seed?: string
  readonly ec2RateShare?: number
  readonly conditions?: Ec2Conditions.ConditionsChange
}

export const nodeName = (n: number): string => `node-${String(n).padStart(5, "0")}`

const make = Effect.fnUntraced(function* ({ conditions = {}, ec2RateShare = 1, seed = "1" }: Options) {
  const travel = yield* Draw.make(`${seed}/api`)
  const worlds = KubernetesSimulation.layer({
    seed,
    latency: Effect.sync(() => Duration.millis(travel.between(apiLatency)))
  }).pipe(Layer.merge(Ec2Simulation.layer({ seed, conditions: { latency: ec2Latency, ...conditions } })))
  const settings = settingsOf({
    clusterId
  })
  const context = yield* Layer.build(
    Composition.layer({ ec2RateShare, dryRun: false }).pipe(
      Layer.provide(Layer.succeed(Settings, settings)),
      Layer.provide(Leadership.layerAlone),
      Layer.provideMerge(worlds)
    )
  )
  const cluster = Context.get(context, KubernetesSimulation.Cluster)
  const ec2 = Context.get(context, Ec2World)
  const operator = Context.get(context, Operator)
  const { cloud, instantly } = yield* Cloud.makeBoth({ cluster, seed }).pipe(
    Effect.provideService(Ec2World, ec2)
  )
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const isTrue = () => Truth.isTrue(Truth.judge({ cluster, ec2, clusterId, keepsAddresses: false }))

  /** When the operator last changed something in either world: events apart, they say what is so already. */
  const lastChange = () =>
    Math.max(
      cluster.writes.findLast((w) => w.kind !== "Event")?.at ?? 0,
      ec2.journal().findLast((e) => e.by === "service" && !e.action.startsWith("Describe"))?.at ?? 0
    )
  return {
    cluster,
    ec2,
    cloud,
    instantly,
    operator,
    now,
    lastChange,
    /** Nodes of numbers from..from+count-1 join in one moment. */
    join: (from: number, count: number, isAutoAssign = true) =>
      Effect.forEach(
        Array.from({ length: count }, (_, i) => nodeName(from + i)),
        (name) =>
          instantly.join({ name, isAutoAssign, ...(isAutoAssign ? { startupTaint: "NoSchedule" } : {}) }),
        { discard: true }
      ),
    openPort: (name: string, spec: Readonly<Record<string, unknown>>) => openPort({ cluster }, name, spec),
    /** Waits until everything asked for is true and nothing has changed for a while, or so much time has passed. */
    settled: Effect.fnUntraced(function* (atMost: Duration.Input = "1 hour") {
      const until = now() + Duration.toMillis(Duration.fromInputUnsafe(atMost))
      for (;;) {
        yield* Effect.sleep("3 seconds")
        if (now() - lastChange() >= 3_000 && isTrue()) return
        if (now() > until) return yield* Effect.die(new Error("the worlds do not come to rest"))
      }
    }),
    /** Nodes that ask for an address, hold none or still carry the startup taint. */
    unserved: () =>
      cluster
        .all(nodes)
        .map(Node.decode)
        .filter(
          (n) => n.isAutoAssign && (n.address === undefined || n.taints.some((t) => t.key === startupTaint))
        ).length
  }
})

export type VirtualWorld = Effect.Success<ReturnType<typeof make>>

/** An operator that has started and found nothing to do; then `use`. */
export const run = <A, E>(
  options: Options,
  use: (world: VirtualWorld) => Effect.Effect<A, E>
): Promise<A> => {
  const virtual = Clocks.virtual()
  return Effect.runPromise(
    Effect.gen(function* () {
      const world = yield* make(options)
      const operator = yield* Effect.forkScoped(world.operator.run)
      yield* Effect.sleep("5 seconds")
      // An operator that ends by itself has failed, whatever the worlds look like.
      return yield* Effect.raceFirst(use(world), Fiber.join(operator))
    }).pipe(
      Effect.scoped,
      Effect.provideService(Clock.Clock, virtual.clock),
      Random.withSeed(options.seed ?? "1"),
      Effect.provide(Layer.succeed(References.MinimumLogLevel, "None")),
      Effect.ensuring(Effect.sync(virtual.stop)),
      Effect.orDie
    )
  )
}
