/** Things asked for by id share a describe: in one window, and while one is under way. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as ById from "../../src/ec2/ById.ts"
import { Ec2Error, Unreachable } from "../../src/ec2/Ec2Error.ts"

const lull = Duration.toMillis(ById.batchLull)
const callMillis = 200

/** What was asked of EC2, and an answer that takes its time. */
const setUp = (answer: (ids: ReadonlyArray<string>) => Effect.Effect<void, Ec2Error> = () => Effect.void) => {
  const calls: Array<ReadonlyArray<string>> = []
  const ask = ById.make((ids) => {
    calls.push(ids)
    return Effect.sleep(callMillis).pipe(
      Effect.andThen(answer(ids)),
      Effect.as(new Map(ids.map((id) => [id, `value of ${id}`])))
    )
  })
  return { ask, calls }
}

const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

describe("a look-up by id", () => {
  it.effect("of one who comes alone waits for no longer than the lull", () =>
    Effect.gen(function* () {
      const { ask, calls } = setUp()
      const one = yield* fork(ask("a"))
      yield* TestClock.adjust(lull)
      assert.deepStrictEqual(calls, [["a"]])
      yield* TestClock.adjust(callMillis)
      assert.deepStrictEqual(yield* Fiber.join(one), { began: lull, value: "value of a" })
    })
  )

  it.effect("shares its call with all who come without a pause, once per id", () =>
    Effect.gen(function* () {
      const { ask, calls } = setUp()
      for (const id of ["a", "b", "a", "c"]) {
        yield* fork(ask(id))
        yield* TestClock.adjust(lull - 1)
      }
      yield* TestClock.adjust(lull)
      assert.deepStrictEqual(calls, [["a", "b", "c"]])
    })
  )

  it.effect("leaves at the end of the window, however many still come", () =>
    Effect.gen(function* () {
      const { ask, calls } = setUp()
      for (let at = 0; at < Duration.toMillis(ById.batchWindow); at += lull / 2) {
        yield* fork(ask(`at ${at}`))
        yield* TestClock.adjust(lull / 2)
      }
      assert.strictEqual(calls.length, 1)
    })
  )

  it.effect("is split where one call could not carry it", () =>
    Effect.gen(function* () {
      const { ask, calls } = setUp()
      yield* fork(
        Effect.forEach(
          Array.from({ length: 450 }, (_, i) => `i-${i}`),
          ask,
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust(lull * 2)
      assert.deepStrictEqual(
        calls.map((ids) => ids.length),
        [200, 200, 50]
      )
    })
  )

  it.effect("joins a call that is under way for its id, and sends one for another", () =>
    Effect.gen(function* () {
      const { ask, calls } = setUp()
      const first = yield* fork(ask("a"))
      yield* TestClock.adjust(lull + 50)
      const second = yield* fork(ask("a"))
      yield* fork(ask("b"))
      yield* TestClock.adjust(callMillis - 50)
      assert.deepStrictEqual(yield* Fiber.join(first), yield* Fiber.join(second))
      assert.deepStrictEqual(calls, [["a"], ["b"]])
    })
  )

  it.effect("goes on when the one who sent it waits no more, and is sent anew once it was answered", () =>
    Effect.gen(function* () {
      const { ask, calls } = setUp()
      const first = yield* fork(ask("a"))
      yield* TestClock.adjust(lull + 50)
      const second = yield* fork(ask("a"))
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust(callMillis - 50)
      assert.strictEqual((yield* Fiber.join(second)).value, "value of a")
      yield* fork(ask("a"))
      yield* TestClock.adjust(lull)
      assert.deepStrictEqual(calls, [["a"], ["a"]])
    })
  )

  it.effect("fails with its call, also for those who joined it", () =>
    Effect.gen(function* () {
      const error = new Ec2Error({
        operation: "DescribeInstances",
        reason: new Unreachable({ message: "reset" })
      })
      const { ask } = setUp(() => Effect.fail(error))
      const first = yield* fork(Effect.flip(ask("a")))
      yield* TestClock.adjust(lull + 50)
      const second = yield* fork(Effect.flip(ask("a")))
      yield* TestClock.adjust(callMillis)
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [error, error])
    })
  )
})
