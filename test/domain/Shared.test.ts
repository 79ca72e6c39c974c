/**
 * Values that are kept once.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Shared from "../../src/domain/Shared.ts"

/** More than the tables hold. */
const many = 20_000

describe("what comes again and again", () => {
  it("is one value", () => {
    const first = Shared.once({ finalizers: ["a"] })
    assert.strictEqual(Shared.once({ finalizers: ["a"] }), first)
    assert.notStrictEqual(Shared.once({ finalizers: ["b"] }), first)
  })

  it("comes out equal to what went in", () => {
    for (const value of [{ a: [1, null, "x"] }, [], {}, "text", 0, false, null]) {
      assert.deepStrictEqual(Shared.once(structuredClone(value)), value)
    }
  })

  it("stays one value while many that are all different pass by", () => {
    const first = Shared.once({ again: true })
    for (let n = 0; n < many; n++) {
      Shared.once({ n })
      assert.strictEqual(Shared.once({ again: true }), first)
    }
  })

  it("becomes one value though the tables were full of others before", () => {
    for (let n = 0; n < many; n++) Shared.once({ before: n })
    const first = Shared.once({ late: true })
    assert.strictEqual(Shared.once({ late: true }), first)
  })
})

describe("what does not come again", () => {
  it("is given up", () => {
    const first = Shared.once({ only: "once" })
    for (let n = 0; n < many; n++) Shared.once({ after: n })
    assert.notStrictEqual(Shared.once({ only: "once" }), first)
  })
})
