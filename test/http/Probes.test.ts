/**
 * The probes over HTTP, as the kubelet asks.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Ref } from "effect"
import * as Probes from "../../src/http/Probes.ts"
import { send } from "./Client.ts"

const local = { host: "127.0.0.1", port: 0 }

describe("Probes", () => {
  it.effect("each answers with its own check, as it is at that moment", () =>
    Effect.gen(function* () {
      const healthy = yield* Ref.make(true)
      const ready = yield* Ref.make(false)
      const { port } = yield* Probes.serve(local, { isHealthy: Ref.get(healthy), isReady: Ref.get(ready) })
      const ask = (path: string) =>
        Effect.map(send({ port, path }), ({ status, body }) => [status, body] as const)

      assert.deepStrictEqual(yield* ask("/healthz"), [200, "ok\n"])
      assert.deepStrictEqual(yield* ask("/readyz"), [
        503,
        "not ready: waiting for the first lists and the first sweep\n"
      ])
      yield* Ref.set(ready, true)
      yield* Ref.set(healthy, false)
      assert.deepStrictEqual(yield* ask("/healthz"), [503, "not healthy: a supervisor has ended\n"])
      assert.deepStrictEqual(yield* ask("/readyz?verbose"), [200, "ok\n"])
    })
  )

  it.effect("a check that breaks fails", () =>
    Effect.gen(function* () {
      const { port } = yield* Probes.serve(local, {
        isHealthy: Effect.die(new Error("broken")),
        isReady: Effect.succeed(true)
      })
      assert.strictEqual((yield* send({ port, path: "/healthz" })).status, 503)
      assert.strictEqual((yield* send({ port, path: "/readyz" })).status, 200)
    })
  )

  it.effect("HEAD is answered as GET is, without a body", () =>
    Effect.gen(function* () {
      const { port } = yield* Probes.serve(local, {
        isHealthy: Effect.succeed(true),
        isReady: Effect.succeed(false)
      })
      const head = yield* send({ port, path: "/healthz", method: "HEAD" })
      assert.deepStrictEqual([head.status, head.body], [200, ""])
      assert.strictEqual((yield* send({ port, path: "/readyz", method: "HEAD" })).status, 503)
    })
  )

  it.effect("nothing listens when they are off", () =>
    Layer.build(Probes.layer("off", { isHealthy: Effect.never, isReady: Effect.never }))
  )
})
