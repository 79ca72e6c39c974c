/** Gauges tell what is there now, and nothing of what was there once. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import * as Metrics from "../../src/domain/Metrics.ts"
import * as World from "../World.ts"

const valueOf = (metric: Metric.Gauge<number>, labels: Readonly<Record<string, string>>) =>
  Effect.map(Metric.value(Metric.withAttributes(metric, labels)), ({ value }) => value)

describe("the number of actors", () => {
  it.effect("falls to zero with the last one of a kind", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: {} })
      yield* world.create("FirewallRule", "r", { ...World.rule, nodeName: "n1" })
      const { operator } = yield* world.start()
      const counts = Effect.andThen(
        operator.updateGauges,
        Effect.all(["FirewallRule", "SecurityGroup", "Node"].map((kind) => valueOf(Metrics.actors, { kind })))
      )
      yield* world.pass("10 seconds")
      assert.deepStrictEqual(yield* counts, [1, 1, 1])
      yield* world.remove("FirewallRule", "r")
      yield* world.pass("10 seconds")
      assert.deepStrictEqual(yield* counts, [0, 0, 1])
    })
  )
})
