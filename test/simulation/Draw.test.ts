import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Draw from "../../src/simulation/Draw.ts"

const drawn = (seed: string) =>
  Effect.map(Draw.make(seed), (draw) => ({
    numbers: Array.from({ length: 50 }, () => draw.between({ min: 1, max: 3 })),
    chances: Array.from({ length: 50 }, () => draw.chance(0.5)),
    shuffled: draw.shuffle([1, 2, 3, 4, 5, 6, 7, 8])
  }))

describe("what is drawn", () => {
  it.effect("is the same for the same seed, and not for another", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* drawn("a"), yield* drawn("a"))
      assert.notDeepEqual(yield* drawn("a"), yield* drawn("b"))
    })
  )
  it.effect("is whole and lies within its span, ends included", () =>
    Effect.gen(function* () {
      const { numbers, shuffled } = yield* drawn("a")
      assert.deepStrictEqual([...new Set(numbers)].toSorted(), [1, 2, 3])
      assert.deepStrictEqual(shuffled.toSorted(), [1, 2, 3, 4, 5, 6, 7, 8])
    })
  )
  it.effect("is certain where there is no choice, and moves nothing then", () =>
    Effect.gen(function* () {
      const a = yield* Draw.make("a")
      const b = yield* Draw.make("a")
      assert.deepStrictEqual(
        [a.chance(1), a.chance(0), a.between(Draw.exactly(5)), a.between(Draw.never), a.shuffle([1])],
        [true, false, 5, 0, [1]]
      )
      assert.strictEqual(a.between({ min: 0, max: 1_000_000 }), b.between({ min: 0, max: 1_000_000 }))
    })
  )
})
