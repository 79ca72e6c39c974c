/** Leadership as the operator asks for it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Metric, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Metrics from "../../src/domain/Metrics.ts"
import { Kubernetes } from "../../src/kubernetes/Kubernetes.ts"
import * as Leadership from "../../src/kubernetes/Leadership.ts"
import * as LeaseServer from "./LeaseServer.ts"

const leads = Effect.map(Metric.value(Metrics.leader), ({ value }) => value)

const build = Effect.fnUntraced(function* (server: ReturnType<typeof LeaseServer.make>) {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(
    Leadership.layer({ namespace: "default" }).pipe(
      Layer.provide(Layer.succeed(Kubernetes, server.connection()))
    ),
    scope
  )
  yield* TestClock.adjust(0)
  return {
    leadership: yield* Effect.provide(Leadership.Leadership, context),
    close: Scope.close(scope, Exit.void)
  }
})

describe("by the lease", () => {
  it.effect("the metric follows, and the lease is released with the scope", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      yield* server.write({ holderIdentity: "other", leaseDurationSeconds: 15 })
      const { close, leadership } = yield* build(server)
      assert.deepStrictEqual([yield* leadership.mayWrite, yield* leads], [false, 0])
      yield* TestClock.adjust("18 seconds")
      yield* leadership.acquired
      assert.deepStrictEqual([yield* leadership.mayWrite, yield* leads], [true, 1])
      yield* close
      assert.deepStrictEqual([yield* leadership.mayWrite, yield* leads], [false, 0])
      assert.deepInclude(server.spec(), { holderIdentity: "", leaseDurationSeconds: 1 })
      const after = server.changes.length
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.changes.length, after)
    })
  )

  it.effect("its loss is an error that says why", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      const { close, leadership } = yield* build(server)
      yield* leadership.acquired
      yield* server.write({ holderIdentity: "other", leaseDurationSeconds: 15 })
      yield* TestClock.adjust("3 seconds")
      const lost = yield* Effect.flip(leadership.lost)
      assert.strictEqual(lost._tag, "LeadershipLost")
      assert.strictEqual(lost.message, "the lease 3a0d74f7.kubestatic.quortex.io is held by other")
      assert.strictEqual(yield* leads, 0)
      yield* close
      assert.deepInclude(server.spec(), { holderIdentity: "other" })
    })
  )
})

describe("alone", () => {
  it.effect("this process leads from the start and for good", () =>
    Effect.gen(function* () {
      const alone = yield* Effect.provide(Leadership.Leadership, Leadership.layerAlone)
      yield* alone.acquired
      yield* TestClock.adjust("1 day")
      assert.isTrue(yield* alone.mayWrite)
      assert.strictEqual(yield* leads, 1)
      assert.isTrue((yield* Effect.timeoutOption(alone.lost, 0))._tag === "None")
    })
  )
})
