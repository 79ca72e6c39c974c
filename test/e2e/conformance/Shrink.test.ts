import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { shrink } from "./Shrink.ts"

const numbers = Array.from({ length: 50 }, (_, i) => i)
const needs =
  (...needed: ReadonlyArray<number>) =>
  (part: ReadonlyArray<number>) =>
    Effect.succeed(needed.every((n) => part.includes(n)))

describe("shrinking", () => {
  it.effect("keeps what is needed, in its order, wherever it stands", () =>
    Effect.gen(function* () {
      for (const needed of [[0], [49], [0, 49], [7, 8, 30], [3, 24, 25, 48]]) {
        assert.deepStrictEqual(yield* shrink(numbers, needs(...needed)), needed)
      }
    })
  )

  it.effect("leaves out what is of no use once something after it is gone", () =>
    Effect.gen(function* () {
      // 10 is of use to 20 only.
      const shows = (part: ReadonlyArray<number>) =>
        Effect.succeed(part.includes(40) && (!part.includes(20) || part.includes(10)))
      assert.deepStrictEqual(yield* shrink([10, 20, 40], shows), [40])
    })
  )

  it.effect("leaves one that can be no shorter as it is", () =>
    Effect.map(shrink([1], needs(1)), (left) => assert.deepStrictEqual(left, [1]))
  )
})
