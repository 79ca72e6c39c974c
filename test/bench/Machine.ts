/**
 * The machine the figures are of, and how fast it is today.
 * Rule: a fixed piece of work is timed in every run, because an absolute figure says nothing without the machine.
 */
import { cpus } from "node:os"
import { quantile } from "./Measurement.ts"

/** What the work takes on the machine that the absolute targets were set on, when nothing else runs there. */
export const referenceMillis = 16

const object = {
  metadata: {
    name: "node",
    labels: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`label-${i}`, "value"]))
  },
  status: { conditions: Array.from({ length: 50 }, (_, i) => ({ type: `Condition${i}`, status: "True" })) }
}

/** Of the kind that the operator does: objects from text and back, maps, sorting. */
const work = (): number => {
  const text = JSON.stringify(object)
  const seen = new Map<string, number>()
  for (let i = 0; i < 1_000; i++) {
    const { metadata } = JSON.parse(text) as typeof object
    for (const key of Object.keys(metadata.labels)) seen.set(`${key}/${i % 100}`, i)
  }
  return [...seen.keys()].toSorted().length
}

/** Milliseconds: the median of several rounds, after those that warm up. */
export const calibrate = (): number => {
  const rounds = Array.from({ length: 15 }, () => {
    const began = performance.now()
    work()
    return performance.now() - began
  })
  return quantile(rounds.slice(5), 0.5)
}

export const describe = (): string => {
  const all = cpus()
  return `${all[0]?.model.trim() ?? "unknown processor"}, ${all.length} cores, Node ${process.versions.node}, ${process.platform} ${process.arch}`
}

export const calibration = (millis: number): string => {
  const factor = millis / referenceMillis
  const pace =
    factor > 1.15
      ? `${factor.toFixed(2)} times slower than the reference machine: expect its times and processor shares to be as much above`
      : factor < 0.87
        ? `${(1 / factor).toFixed(2)} times faster than the reference machine: its times and processor shares are to be as much below`
        : "as fast as the reference machine: absolute targets hold as they are"
  return `calibration ${millis.toFixed(1)} ms (reference ${referenceMillis} ms): ${pace}`
}
