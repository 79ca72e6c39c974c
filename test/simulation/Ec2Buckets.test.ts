import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Buckets from "../../src/simulation/Ec2Buckets.ts"

const small = { capacity: 3, refill: 2 }

describe("a bucket", () => {
  it("is full at first, refuses when empty, and refills up to its capacity", () => {
    let level: Buckets.Level | undefined
    for (let i = 0; i < 3; i++) level = Buckets.take(small, level, 0)
    assert.deepStrictEqual(level, { tokens: 0, at: 0 })
    assert.isUndefined(Buckets.take(small, level, 499))
    assert.deepStrictEqual(Buckets.take(small, level, 500), { tokens: 0, at: 500 })
    assert.strictEqual(Buckets.tokensAt(small, level, 60_000), 3)
  })
  it("is smaller while others use a share of it", () => {
    assert.deepStrictEqual(Buckets.leftToUs({ capacity: 50, refill: 5 }, 0.8), {
      capacity: 50 * (1 - 0.8),
      refill: 5 * (1 - 0.8)
    })
  })
  it("is drained as far as there is something in it", () => {
    assert.deepStrictEqual(Buckets.drain(small, undefined, 7, 2), { tokens: 1, at: 7 })
    assert.deepStrictEqual(Buckets.drain(small, undefined, 7, 9), { tokens: 0, at: 7 })
  })
  const Pauses = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 })))
  it.effect.prop("never admits more than its capacity and what came back meanwhile", [Pauses], ([pauses]) =>
    Effect.sync(() => {
      let level: Buckets.Level | undefined
      let at = 0
      let admitted = 0
      for (const pause of pauses) {
        at += pause
        const next = Buckets.take(small, level, at)
        if (next === undefined) continue
        level = next
        admitted++
      }
      assert.isAtMost(admitted, small.capacity + (at / 1_000) * small.refill + 1e-6)
    })
  )
})
