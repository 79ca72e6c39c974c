import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import * as Echo from "../../src/operator/Echo.ts"
import type { ActorRef } from "../../src/operator/Kinds.ts"
import * as Turns from "../../src/operator/Turns.ts"

const writer: ActorRef = { kind: "ExternalIP", key: "e" }

const world = () => {
  const echo = Echo.make<string>()
  const told: Array<string> = []
  const write = (reply: Deferred.Deferred<string, string>) =>
    echo.during(
      "e",
      writer,
      Deferred.await(reply),
      (change, version) => change === version,
      (change) => told.push(change)
    )
  return { echo, told, write }
}

describe("what a watch brings of an object that is being written", () => {
  it.effect("is the writer's own, also before the reply is there", () =>
    Effect.gen(function* () {
      const { echo, told, write } = world()
      const reply = yield* Deferred.make<string, string>()
      const writing = yield* Effect.forkChild(write(reply), { startImmediately: true })
      assert.deepStrictEqual(echo.writerOf("e", "v2"), writer)
      assert.isUndefined(echo.writerOf("f", "v9"))
      yield* Deferred.succeed(reply, "v2")
      yield* Fiber.join(writing)
      assert.deepStrictEqual(told, [])
      assert.isUndefined(echo.writerOf("e", "v3"))
    })
  )
  it.effect("is told to the writer after all where the reply is of another version", () =>
    Effect.gen(function* () {
      const { echo, told, write } = world()
      const reply = yield* Deferred.make<string, string>()
      const writing = yield* Effect.forkChild(write(reply), { startImmediately: true })
      echo.writerOf("e", "v2")
      echo.writerOf("e", "v3")
      yield* Deferred.succeed(reply, "v2")
      yield* Fiber.join(writing)
      assert.deepStrictEqual(told, ["v3"])
    })
  )
  it.effect("is told where no reply comes, or the writer is interrupted", () =>
    Effect.gen(function* () {
      const { echo, told, write } = world()
      const lost = yield* Deferred.make<string, string>()
      const first = yield* Effect.forkChild(Effect.exit(write(lost)), { startImmediately: true })
      echo.writerOf("e", "v2")
      yield* Deferred.fail(lost, "no answer")
      yield* Fiber.join(first)
      const second = yield* Effect.forkChild(write(yield* Deferred.make<string, string>()), {
        startImmediately: true
      })
      echo.writerOf("e", "v3")
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual(told, ["v2", "v3"])
      assert.isUndefined(echo.writerOf("e", "v4"))
    })
  )
})

describe("turns", () => {
  it.effect("writes to one object follow each other, those to others do not wait", () =>
    Effect.gen(function* () {
      const turns = Turns.make()
      const trace: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const write = (name: string, wait: Effect.Effect<void>) =>
        Effect.sync(() => trace.push(`${name} begins`)).pipe(
          Effect.andThen(wait),
          Effect.andThen(Effect.sync(() => trace.push(`${name} ends`)))
        )
      const first = yield* Effect.forkChild(turns.take("e", write("first", Deferred.await(gate))))
      const second = yield* Effect.forkChild(turns.take("e", write("second", Effect.void)))
      yield* Effect.yieldNow
      yield* turns.take("f", write("other", Effect.void))
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      assert.deepStrictEqual(trace, [
        "first begins",
        "other begins",
        "other ends",
        "first ends",
        "second begins",
        "second ends"
      ])
    })
  )
})
