/** A figure that misses its target is seen, and fails the run unless the machine may be to blame. */
import { assert, describe, it } from "@effect/vitest"
import {
  atLeast,
  atMost,
  exactly,
  figure,
  isMet,
  type Measurement,
  quantile,
  targetText
} from "./Measurement.ts"
import * as Report from "./Report.ts"

const met: Measurement = { metric: "time", unit: "s", value: 1, target: atMost(1) }
const missed: Measurement = { metric: "calls", unit: "", value: 3, target: exactly(2) }
const slow: Measurement = { metric: "wall", unit: "ms", value: 9, target: atMost(5), isOfMachine: true }
const told: Measurement = { metric: "count", unit: "", value: 7 }

describe("a measurement", () => {
  it("meets its target or does not, and no number meets none", () => {
    assert.deepStrictEqual([met, missed, told].map(isMet), [true, false, undefined])
    assert.isTrue(isMet({ ...met, value: 5, target: atLeast(5) }))
    for (const target of [atMost(1), atLeast(1), exactly(1)]) {
      assert.isFalse(isMet({ ...met, value: Number.NaN, target }))
    }
  })

  it("is written with four digits that count", () => {
    assert.deepStrictEqual([2, 1.18754, 0.98, 123_456, 12_345.6, 0.00012].map(figure), [
      "2",
      "1.188",
      "0.98",
      "123456",
      "12350",
      "0.00012"
    ])
    assert.strictEqual(targetText(atMost(1.01)), "<= 1.01")
  })

  it("of many is the nearest rank", () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i)
    assert.deepStrictEqual(
      [quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)],
      [50, 99, 100]
    )
    assert.isNaN(quantile([], 0.5))
  })
})

describe("a run", () => {
  it("fails by what no machine excuses", () => {
    const failing = (...measurements: ReadonlyArray<Measurement>) =>
      Report.isFailure([{ bench: "b", measurements }])
    assert.deepStrictEqual(
      [failing(met, told), failing(met, slow), failing(met, missed)],
      [false, false, true]
    )
  })

  it("shows what is missed, whoever is to blame", () => {
    const lines = Report.table({ bench: "b", measurements: [met, missed, slow, told] }, "summary").split("\n")
    assert.deepStrictEqual(
      lines.map((line) => /NOT MET|met$/.exec(line)?.[0]),
      [undefined, undefined, "met", "NOT MET", "NOT MET", undefined, undefined]
    )
  })

  it("is a flat list for programs", () => {
    assert.deepStrictEqual(Report.records([{ bench: "b", measurements: [missed, told] }]), [
      { bench: "b", metric: "calls", unit: "", value: 3, target: "= 2", met: false },
      { bench: "b", metric: "count", unit: "", value: 7, target: null, met: null }
    ])
  })
})
