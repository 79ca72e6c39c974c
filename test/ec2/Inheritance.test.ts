/** Of which associations what EC2 shows may be an earlier process's yesterday. */
import { assert, describe, it } from "@effect/vitest"
import * as Inheritance from "../../src/ec2/Inheritance.ts"

const taken = () => {
  const inheritance = Inheritance.make()
  inheritance.begin(1_000_000)
  return inheritance
}

describe("an association", () => {
  it("is inherited until a read shows it that began when every earlier write must be visible", () => {
    const inheritance = taken()
    assert.isTrue(inheritance.includes("a", 999_000))
    assert.isTrue(inheritance.includes("a", 1_119_999))
    assert.isFalse(inheritance.includes("a", 1_120_000))
  })
  it("is not where this process has written it", () => {
    const inheritance = taken()
    inheritance.settled("a")
    assert.isFalse(inheritance.includes("a", 1_000_001))
    assert.isTrue(inheritance.includes("b", 1_000_001))
  })
  it("is written of no more once the address is gone", () => {
    const inheritance = taken()
    inheritance.settled("a")
    inheritance.forget("a")
    assert.isTrue(inheritance.includes("a", 1_000_001))
  })
  it("is told to be so no longer, once, and only if somebody was told that it is", () => {
    const inheritance = taken()
    const ended = (readBegan: number) => inheritance.ended(() => readBegan)
    assert.deepStrictEqual(ended(1_120_000), [])
    inheritance.includes("a", 1_000_001)
    inheritance.includes("b", 1_000_001)
    assert.deepStrictEqual(ended(1_119_999), [])
    inheritance.settled("b")
    assert.deepStrictEqual(ended(1_119_999), ["b"])
    assert.deepStrictEqual(ended(1_120_000), ["a"])
    assert.deepStrictEqual(ended(1_120_000), [])
  })
  it("is whatever is read before the process takes over", () => {
    assert.isTrue(Inheritance.make().includes("a", 1_000_001))
  })
})
