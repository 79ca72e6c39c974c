import { assert, describe, it } from "@effect/vitest"
import * as Trust from "../../src/ec2/Trust.ts"

interface Thing {
  readonly id: string
  readonly value: string
}

const make = () => {
  const told: Array<string> = []
  const mirror = Trust.make<Thing>({
    id: (t) => t.id,
    isSame: (a, b) => a.value === b.value,
    isCovered: () => true,
    onChange: ({ after, before }) => {
      told.push(`${before?.value ?? "-"} -> ${after?.value ?? "-"}`)
    }
  })
  return { mirror, told }
}
const thing = (value: string): Thing => ({ id: "a", value })
const window = 120_000

describe("what we wrote", () => {
  it("beats every read that began before it ended, however late that read comes back", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.saw("a", thing("stale"), 900, 500_000)
    assert.strictEqual(mirror.get("a")?.value, "ours")
  })
  it("beats every read that contradicts it within the window, and none after it", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.saw("a", thing("stale"), 2_000, 2_100)
    assert.strictEqual(mirror.get("a")?.value, "ours")
    mirror.saw("a", thing("theirs"), window + 2_000, window + 2_100)
    assert.strictEqual(mirror.get("a")?.value, "theirs")
  })
  it("is not forgotten because a describe does not show it yet", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.sawAll([], 2_000, 2_100)
    assert.strictEqual(mirror.get("a")?.value, "ours")
    mirror.sawAll([], window + 2_000, window + 2_100)
    assert.isUndefined(mirror.get("a"))
  })
  it("and deleted stays deleted though a describe still shows it", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.deleted("a", 2_000)
    mirror.saw("a", thing("ours"), 3_000, 3_100)
    assert.isUndefined(mirror.get("a"))
    mirror.saw("a", thing("back"), window + 3_000, window + 3_100)
    assert.strictEqual(mirror.get("a")?.value, "back")
  })
  it("is confirmed only by a read that began after it and shows it", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.saw("a", thing("ours"), 900, 1_100)
    assert.isAtMost(mirror.get("a")?.readBegan ?? -1, 1_000)
    mirror.saw("a", thing("ours"), 1_500, 1_600)
    assert.strictEqual(mirror.get("a")?.readBegan, 1_500)
  })
})

describe("what is in doubt", () => {
  it("is decided by the next read that begins later, not by an earlier one", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.doubt("a", 5_000)
    mirror.saw("a", thing("early"), 4_000, 5_500)
    assert.isTrue(mirror.get("a")?.isUncertain)
    mirror.saw("a", thing("late"), 6_000, 6_100)
    assert.deepInclude(mirror.get("a"), { value: "late", isUncertain: false })
  })
})

describe("changes", () => {
  it("are told once, and not when nothing that decides differs", () => {
    const { mirror, told } = make()
    mirror.sawAll([thing("one")], 1_000, 1_100)
    mirror.sawAll([thing("one")], 2_000, 2_100)
    mirror.sawAll([thing("two")], 3_000, 3_100)
    mirror.sawAll([], 4_000, 4_100)
    assert.deepStrictEqual(told, ["- -> one", "one -> two", "two -> -"])
  })
})
