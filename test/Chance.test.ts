/**
 * Chance in the tests against its rule: every test draws what it drew before, whatever ran in between.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"

describe("what is drawn without a generator of its own", () => {
  const drawn: Array<readonly [number, number]> = []
  it.effect.each([1, 2, 3])("is the same in test %d as in the first, and not the same each time", (n) =>
    Effect.gen(function* () {
      const two = [yield* Random.next, Math.random()] as const
      drawn.push(two)
      assert.deepStrictEqual(two, drawn[0])
      assert.notStrictEqual(two[0], two[1])
      // Others go on drawing: the next test does not notice.
      for (let i = 0; i < n; i++) Math.random()
    })
  )
})
