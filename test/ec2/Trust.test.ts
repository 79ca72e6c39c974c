/** EC2's answers lag behind its deeds: what is believed after any order of writes and reads. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import * as Trust from "../../src/ec2/Trust.ts"

interface Thing {
  readonly id: string
  readonly value: string
}

const window = Duration.toMillis(Trust.visibilityWindow)
const thing = (value: string): Thing => ({ id: "a", value })

const make = (isCovered: (t: Thing) => boolean = () => true) => {
  const told: Array<string> = []
  const foreign: Array<string> = []
  const mirror = Trust.make<Thing>({
    id: (t) => t.id,
    isSame: (a, b) => a.value === b.value,
    isCovered,
    onChange: ({ after, before }, isForeign) => {
      const change = `${before?.value ?? "-"} -> ${after?.value ?? "-"}`
      told.push(change)
      if (isForeign) foreign.push(change)
    }
  })
  return { mirror, told, foreign, value: () => mirror.get("a")?.value }
}

describe("what we wrote", () => {
  it("beats every read that began before it ended, however late that read comes back", () => {
    const { mirror, value } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.saw("a", thing("stale"), 900)
    mirror.saw("a", thing("stale"), 1_000)
    mirror.saw("a", undefined, 900)
    assert.strictEqual(value(), "ours")
  })

  it("beats a read that contradicts it and began within the window, and none that began later", () => {
    const { foreign, mirror, value } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.saw("a", thing("stale"), 1_000 + window - 1)
    assert.strictEqual(value(), "ours")
    mirror.saw("a", thing("theirs"), 1_000 + window)
    assert.strictEqual(value(), "theirs")
    assert.deepStrictEqual(foreign, ["ours -> theirs"])
  })

  it("beats a read that lags behind one that confirmed it", () => {
    const { mirror, value } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.saw("a", thing("ours"), 2_000)
    mirror.saw("a", thing("stale"), 3_000)
    assert.strictEqual(value(), "ours")
  })

  it("is not forgotten because a describe does not show it yet", () => {
    const { mirror, value } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.sawAll([], 1_000 + window - 1)
    mirror.saw("a", undefined, 1_000 + window - 1)
    assert.strictEqual(value(), "ours")
    mirror.sawAll([], 1_000 + window)
    assert.isUndefined(value())
  })

  it("and deleted stays deleted though a describe still shows it", () => {
    const { mirror, value } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.deleted("a", 2_000)
    assert.isTrue(mirror.isDeleted("a"))
    mirror.saw("a", thing("ours"), 2_000 + window - 1)
    assert.isUndefined(value())
    mirror.saw("a", thing("back"), 2_000 + window)
    assert.strictEqual(value(), "back")
    assert.isFalse(mirror.isDeleted("a"))
  })

  it("and deleted and made again is there", () => {
    const { mirror, value } = make()
    mirror.deleted("a", 1_000)
    mirror.wrote(thing("again"), 2_000)
    mirror.sawAll([], 3_000)
    assert.strictEqual(value(), "again")
    assert.isFalse(mirror.isDeleted("a"))
  })

  it("is confirmed only by a read that began after it and shows it", () => {
    const { mirror, told } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.saw("a", thing("ours"), 900)
    mirror.saw("a", thing("ours"), 1_000)
    mirror.saw("a", thing("stale"), 1_500)
    assert.deepInclude(mirror.get("a"), { readBegan: 0, wroteAt: 1_000, isUncertain: false })
    mirror.saw("a", thing("ours"), 1_600)
    assert.deepInclude(mirror.get("a"), { readBegan: 1_600, wroteAt: 1_000, isUncertain: false })
    assert.deepStrictEqual(told, ["- -> ours", "ours -> ours"])
  })
})

describe("a read", () => {
  it("never replaces what a later one showed", () => {
    const { mirror, value } = make()
    mirror.saw("a", thing("new"), 2_000)
    mirror.saw("a", thing("old"), 1_000)
    mirror.saw("a", undefined, 1_000)
    mirror.sawAll([], 1_000)
    assert.strictEqual(value(), "new")
  })

  it("of everything says nothing of what it does not cover", () => {
    const { mirror, value } = make(() => false)
    mirror.saw("a", thing("foreign"), 1_000)
    mirror.sawAll([], 2_000)
    assert.strictEqual(value(), "foreign")
    mirror.saw("a", undefined, 3_000)
    assert.isUndefined(value())
  })

  it("that shows something for the first time tells of no change by others", () => {
    const { foreign, mirror } = make()
    mirror.sawAll([thing("one")], 1_000)
    assert.deepStrictEqual(foreign, [])
  })
})

describe("what is in doubt", () => {
  it("was there all the same when a reply last said so", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.doubt("a", 2_000)
    assert.deepInclude(mirror.get("a"), { existedAt: 1_000, isUncertain: true })
    mirror.saw("a", undefined, 2_500)
    assert.deepInclude(mirror.get("a"), { existedAt: 1_000, wroteAt: 0, isUncertain: false })
  })
  it("is decided by the next read that begins later, not by an earlier one", () => {
    const { foreign, mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.doubt("a", 5_000)
    mirror.saw("a", thing("early"), 5_000)
    mirror.saw("a", undefined, 5_000)
    assert.deepInclude(mirror.get("a"), { value: "ours", isUncertain: true })
    mirror.saw("a", thing("late"), 5_001)
    assert.deepInclude(mirror.get("a"), { value: "late", isUncertain: false })
    assert.deepStrictEqual(foreign, [])
  })

  it("is not settled for the window by a read that lagged: the next one may say otherwise", () => {
    const { mirror, value } = make()
    mirror.saw("a", thing("before"), 1_000)
    mirror.doubt("a", 5_000)
    mirror.saw("a", thing("before"), 6_000)
    mirror.saw("a", thing("applied after all"), 7_000)
    assert.strictEqual(value(), "applied after all")
  })

  it("and made just now is kept when a read does not show it, and is no longer in doubt", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.doubt("a", 2_000)
    mirror.saw("a", undefined, 3_000)
    assert.deepInclude(mirror.get("a"), { value: "ours", isUncertain: false })
  })

  it("and long known is gone when a read does not show it", () => {
    const { foreign, mirror } = make()
    mirror.saw("a", thing("ours"), 1_000)
    mirror.doubt("a", 2_000)
    mirror.saw("a", undefined, 3_000)
    assert.isUndefined(mirror.get("a"))
    assert.deepStrictEqual(foreign, [])
  })

  /** Of "rest/part" the part is in doubt. */
  const part: Trust.Settle<Thing> = (believed, read) =>
    thing(`${believed.value.split("/")[0]}/${read.value.split("/")[1]}`)

  it("in part only leaves the rest as it was written, and the part is as each read shows it", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours/closed"), 1_000)
    mirror.doubt("a", 2_000, part)
    mirror.saw("a", thing("early/open"), 2_000)
    assert.deepInclude(mirror.get("a"), { value: "ours/closed", isUncertain: true })
    mirror.saw("a", thing("stale/closed"), 2_500)
    assert.deepInclude(mirror.get("a"), { value: "ours/closed", readBegan: 0, isUncertain: false })
    mirror.saw("a", thing("stale/open"), 3_000)
    assert.deepInclude(mirror.get("a"), { value: "ours/open", readBegan: 0, wroteAt: 1_000 })
  })

  it("in part is confirmed by a read that cannot lag behind that write, and by no earlier one", () => {
    const { mirror } = make()
    const isConfirmed = () => Trust.isConfirmed(mirror.get("a") ?? assert.fail("it is gone"))
    mirror.wrote(thing("ours/closed"), 1_000)
    mirror.doubt("a", 2_000, part)
    mirror.saw("a", thing("ours/open"), 1_999 + window)
    assert.deepInclude(mirror.get("a"), { value: "ours/open", readBegan: 1_999 + window, doubtedAt: 2_000 })
    assert.isFalse(isConfirmed())
    mirror.saw("a", thing("ours/open"), 2_000 + window)
    assert.deepInclude(mirror.get("a"), { readBegan: 2_000 + window, doubtedAt: 0 })
    assert.isTrue(isConfirmed())
  })

  it("in part stays so when another write that was under way is answered, and not when a later one is", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours/closed"), 1_000)
    mirror.doubt("a", 2_000, part)
    mirror.wrote(thing("more/closed"), 2_001)
    assert.deepInclude(mirror.get("a"), { value: "more/closed", isUncertain: true })
    mirror.saw("a", thing("stale/open"), 3_000)
    assert.deepInclude(mirror.get("a"), { value: "more/open", isUncertain: false, doubtedAt: 2_000 })
    mirror.wrote(thing("most/closed"), 4_000)
    assert.deepInclude(mirror.get("a"), { value: "most/closed", isUncertain: false, doubtedAt: 0 })
  })

  it("in more parts than can be told apart is in doubt as a whole", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours/closed"), 1_000)
    for (let n = 0; n <= 16; n++) mirror.doubt("a", 2_000 + n, part)
    mirror.saw("a", thing("shown/open"), 3_000)
    assert.deepInclude(mirror.get("a"), { value: "shown/open", isUncertain: false })
  })

  it("in part only is decided as a whole by a read that cannot lag behind the last write", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.doubt("a", window, (believed) => believed)
    mirror.saw("a", thing("theirs"), 1_000 + window)
    assert.deepInclude(mirror.get("a"), { value: "theirs", isUncertain: false })
  })

  it("twice in part is decided for both by one read", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.doubt("a", 2_000, (believed) => thing(`first of ${believed.value}`))
    mirror.doubt("a", 3_000, (believed) => thing(`second of ${believed.value}`))
    mirror.saw("a", thing("shown"), 2_500)
    assert.deepInclude(mirror.get("a"), { value: "ours", isUncertain: true })
    mirror.saw("a", thing("shown"), 3_500)
    assert.deepInclude(mirror.get("a"), { value: "second of first of ours", isUncertain: false })
  })

  it("as a whole stays so when a part is in doubt as well", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.doubt("a", 2_000)
    mirror.doubt("a", 3_000, (believed) => believed)
    mirror.saw("a", thing("shown"), 3_500)
    assert.deepInclude(mirror.get("a"), { value: "shown", isUncertain: false })
  })

  it("in part, made just now and not shown, is as it was written", () => {
    const { mirror } = make()
    mirror.wrote(thing("ours"), 1_000)
    mirror.doubt("a", 2_000, (believed) => believed)
    mirror.saw("a", undefined, 2_500)
    assert.deepInclude(mirror.get("a"), { value: "ours", wroteAt: 1_000, isUncertain: false })
    mirror.saw("a", thing("stale"), 3_000)
    assert.deepInclude(mirror.get("a"), { value: "ours" })
  })

  it("is nothing that is not known", () => {
    const { mirror, told } = make()
    mirror.doubt("a", 1_000)
    assert.isUndefined(mirror.get("a"))
    assert.deepStrictEqual(told, [])
  })
})

describe("changes", () => {
  it("are told once, and not when nothing that decides differs", () => {
    const { mirror, told } = make()
    mirror.sawAll([thing("one")], 1_000)
    mirror.sawAll([thing("one")], 2_000)
    mirror.sawAll([thing("two")], 3_000)
    mirror.sawAll([], 4_000)
    assert.deepStrictEqual(told, ["- -> one", "one -> two", "two -> -"])
  })

  it("that others made are told as such, and ours are not", () => {
    const { foreign, mirror } = make()
    mirror.sawAll([thing("one")], 1_000)
    mirror.sawAll([thing("theirs")], 2_000)
    mirror.wrote(thing("ours"), 3_000)
    mirror.deleted("a", 4_000)
    assert.deepStrictEqual(foreign, ["one -> theirs"])
    mirror.saw("a", thing("again"), 4_000 + window)
    mirror.sawAll([], 5_000 + window)
    assert.deepStrictEqual(foreign, ["one -> theirs", "again -> -"])
  })
})

/** One thing to happen, some time after the one before it. */
const Happening = Schema.Struct({
  after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 70_000 })),
  what: Schema.Literals(["write", "delete", "read", "sweep"]),
  /** Of a read: how old the state is that it shows. */
  lag: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: window - 1 })),
  /** Of a read: how long it takes. */
  takes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150_000 }))
})

/** Everything that happens, in the order in which we hear of it; the write, where it is one. */
const playOut = (happenings: ReadonlyArray<typeof Happening.Type>) => {
  const { mirror } = make()
  const history: Array<{ readonly at: number; readonly value: string | undefined }> = []
  const stateAt = (at: number) => history.findLast((h) => h.at <= at)?.value
  let clock = 1_000_000
  const heard = happenings.map(({ after, lag, takes, what }, n) => {
    clock += after
    const at = clock
    if (what === "write" || what === "delete") {
      const written = { at, value: what === "write" ? `value ${n}` : undefined }
      history.push(written)
      const { value } = written
      const hear = () => (value === undefined ? mirror.deleted("a", at) : mirror.wrote(thing(value), at))
      return { at, hear, written }
    }
    const hear = () => {
      const value = stateAt(at - lag)
      const shown = value === undefined ? undefined : thing(value)
      if (what === "read") mirror.saw("a", shown, at)
      else mirror.sawAll(shown === undefined ? [] : [shown], at)
    }
    return { at: at + takes, hear, written: undefined }
  })
  return { mirror, heard: heard.toSorted((x, y) => x.at - y.at) }
}

describe("in any order of writes and lagging reads", () => {
  it.prop(
    "what only we change is believed to be as we last left it",
    [Schema.Array(Happening)],
    ([happenings]) => {
      const { heard, mirror } = playOut(happenings)
      let ours: string | undefined
      for (const { hear, written } of heard) {
        hear()
        if (written !== undefined) ours = written.value
        assert.strictEqual(mirror.get("a")?.value, ours)
      }
    },
    { arbitrary: { runs: 500 } }
  )
})
