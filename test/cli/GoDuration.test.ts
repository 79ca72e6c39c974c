/**
 * Durations against time.ParseDuration of Go.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import { parse } from "../../src/cli/GoDuration.ts"

/** Go's time.Duration.String, for whole nanoseconds. */
const format = (nanos: number): string => {
  const hours = Math.floor(nanos / 3.6e12)
  const minutes = Math.floor((nanos % 3.6e12) / 6e10)
  const rest = nanos % 6e10
  return `${hours}h${minutes}m${Math.floor(rest / 1e9)}.${String(rest % 1e9).padStart(9, "0")}s`
}

describe("GoDuration", () => {
  const good: ReadonlyArray<readonly [string, Duration.Duration]> = [
    ["0", Duration.zero],
    ["+0", Duration.zero],
    ["-0", Duration.zero],
    ["0s", Duration.zero],
    ["-0s", Duration.zero],
    ["10s", Duration.seconds(10)],
    ["+5s", Duration.seconds(5)],
    ["1m30s", Duration.seconds(90)],
    ["1h2m3.5s", Duration.millis(3_723_500)],
    ["100ms", Duration.millis(100)],
    ["1.5h", Duration.minutes(90)],
    [".5s", Duration.millis(500)],
    ["5.s", Duration.seconds(5)],
    ["1500us", Duration.nanos(1_500_000n)],
    ["2\u00b5s", Duration.nanos(2_000n)],
    ["2\u03bcs", Duration.nanos(2_000n)],
    ["7ns", Duration.nanos(7n)],
    ["30s1m", Duration.seconds(90)],
    ["9223372036854775807ns", Duration.nanos(9_223_372_036_854_775_807n)]
  ]
  for (const [text, duration] of good) {
    it(`reads ${text}`, () => {
      const read = parse(text)
      assert.isTrue(read !== undefined && Duration.equals(read, duration), String(read))
    })
  }

  for (const text of [
    "",
    "+",
    "-",
    "10",
    "1.5",
    "s",
    ".s",
    "10 s",
    " 10s",
    "10s ",
    "10S",
    "1d",
    "-1s",
    "--1s",
    "1s-1s",
    "1e3s",
    "10s\n",
    "9223372036854775808ns",
    "300000h10000000h",
    "never"
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.isUndefined(parse(text))
    })
  }

  it.prop(
    "reads back whatever Go writes",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))],
    ([nanos]) => {
      const read = parse(format(nanos))
      return read !== undefined && Duration.toNanosUnsafe(read) === BigInt(nanos)
    }
  )
})
