/**
 * Durations as Go writes them: time.ParseDuration of the Go standard library.
 * Rule: what Go refuses is refused here, and what Go reads means the same here, to the nanosecond.
 */
import { Duration } from "effect"

const nanosPerUnit: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  // U+00B5 (micro sign) and U+03BC (Greek mu): Go takes both.
  "\u00b5s": 1_000n,
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n
}

const part = /(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y

/** Go keeps durations in an int64 of nanoseconds: about 292 years. */
const longest = 2n ** 63n - 1n

/** `1h2m3.5s`, `100ms`, `0`; undefined when Go refuses it, and for anything below zero. */
export const parse = (text: string): Duration.Duration | undefined => {
  const isNegative = text.startsWith("-")
  const unsigned = text.replace(/^[-+]/, "")
  if (unsigned === "0") return Duration.zero
  if (unsigned === "") return undefined
  let nanos = 0n
  part.lastIndex = 0
  while (part.lastIndex < unsigned.length) {
    const match = part.exec(unsigned)
    if (match === null) return undefined
    const [, whole = "", fraction = "", unit = ""] = match
    const perUnit = nanosPerUnit[unit]
    if (perUnit === undefined || (whole === "" && fraction === "")) return undefined
    nanos += BigInt(whole || "0") * perUnit
    nanos += (BigInt(fraction || "0") * perUnit) / 10n ** BigInt(fraction.length)
    if (nanos > longest) return undefined
  }
  if (isNegative && nanos > 0n) return undefined
  return nanos % 1_000_000n === 0n ? Duration.millis(Number(nanos / 1_000_000n)) : Duration.nanos(nanos)
}
