/**
 * A scrape in Prometheus's text format, taken apart.
 * Rule: what is read here is what Prometheus would store: series with their labels, and the type of each metric.
 * Source: "Exposition formats", text format 0.0.4.
 */

export interface Series {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
}

export interface Exposition {
  /** By name of the metric, as its TYPE line has it. */
  readonly types: ReadonlyMap<string, string>
  readonly series: ReadonlyArray<Series>
}

const labelsOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name = "", value = ""]) => [
      name,
      value
    ])
  )

export const parse = (text: string): Exposition => {
  const types = new Map<string, string>()
  const series: Array<Series> = []
  for (const line of text.split("\n")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line)
    if (type !== null) types.set(type[1] ?? "", type[2] ?? "")
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line)
    if (sample !== null) series.push({ metric: sample[1] ?? "", labels: labelsOf(sample[2] ?? "") })
  }
  return { types, series }
}

/** Whether a series only ever grows: counters, and everything that a histogram exposes. */
export const isCounter = ({ types }: Exposition, series: string): boolean =>
  types.get(series) === "counter" || types.get(series.replace(/_(bucket|sum|count)$/, "")) === "histogram"
