/** Which JSON values are the same: those that would be written the same, whatever the order of their members. */
import { assert, describe, it } from "@effect/vitest"
import { isSame } from "../../src/domain/Json.ts"

const same: ReadonlyArray<readonly [string, unknown, unknown]> = [
  ["in another order of members", { a: 1, b: { c: [1, "2"] } }, { b: { c: [1, "2"] }, a: 1 }],
  ["absent and undefined", { a: 1 }, { a: 1, b: undefined }],
  ["nothing in them", {}, {}],
  ["null", { a: null }, { a: null }]
]
const different: ReadonlyArray<readonly [string, unknown, unknown]> = [
  ["null and absent", { a: null }, {}],
  ["a member more", { a: 1 }, { a: 1, b: 2 }],
  ["deep inside", { a: [{ b: 1 }] }, { a: [{ b: 2 }] }],
  ["another order of items", [1, 2], [2, 1]],
  ["an item more", [1], [1, 2]],
  ["a list and an object", [], {}],
  ["a number and its text", { a: 1 }, { a: "1" }],
  ["an object and null", {}, null],
  ["a member that every object inherits", {}, { constructor: "x" }],
  ["one more of those", { a: 1 }, { a: 1, toString: 1 }]
]

describe("two JSON values", () => {
  for (const [why, a, b] of same) {
    it(`are the same: ${why}`, () => {
      assert.isTrue(isSame(a, b))
      assert.isTrue(isSame(b, a))
    })
  }
  for (const [why, a, b] of different) {
    it(`are not: ${why}`, () => {
      assert.isFalse(isSame(a, b))
      assert.isFalse(isSame(b, a))
    })
  }
})
