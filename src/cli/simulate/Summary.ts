/**
 * How a simulation ended, for people and for programs.
 * Rule: counted from the worlds' own books; the same seed gives the same text. Without a convergence it says what is
 * missing, or that only time was.
 */
import type { Truth } from "../../simulation/Truth.ts"

export interface Summary {
  readonly converged: boolean
  readonly scenario: string
  readonly seed: number
  readonly nodes: number
  readonly attached: number
  readonly rulesWanted: number
  readonly rulesOpen: number
  readonly orphans: number
  /** World time until the last change that was needed, from the first thing asked for. */
  readonly elapsedSeconds: number
  /** The least time EC2 allows for the calls made. */
  readonly floorSeconds: number
  /** By EC2 action. */
  readonly ec2Calls: Readonly<Record<string, number>>
  /** By kind, then by verb. */
  readonly kubernetesWrites: Readonly<Record<string, Readonly<Record<string, number>>>>
}

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`

export const render = (summary: Summary, truth: Truth): string => {
  const { converged, ec2Calls, elapsedSeconds, floorSeconds, kubernetesWrites } = summary
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["scenario", `${summary.scenario} (seed ${summary.seed})`],
    ["nodes", `${summary.attached} of ${summary.nodes} hold an address`],
    ["rules", `${summary.rulesOpen} of ${summary.rulesWanted} open`],
    ["left over", summary.orphans === 0 ? "nothing" : plural(summary.orphans, "thing")],
    ["time", `${elapsedSeconds.toFixed(1)} s; EC2 allows no less than ${floorSeconds.toFixed(1)} s`],
    [
      "EC2 calls",
      Object.entries(ec2Calls)
        .map(([action, n]) => `${action} ${n}`)
        .join(", ") || "none"
    ],
    [
      "Kubernetes writes",
      Object.entries(kubernetesWrites)
        .map(
          ([kind, verbs]) =>
            `${kind} ${Object.entries(verbs)
              .map(([v, n]) => `${v} ${n}`)
              .join(" ")}`
        )
        .join(", ") || "none"
    ]
  ]
  const width = Math.max(...rows.map(([label]) => label.length))
  const lines = rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`)
  const wrong = [...truth.problems, ...truth.orphans.map((o) => `left over: ${o}`)]
  const told = converged
    ? "Everything asked for is true in both worlds."
    : wrong.length === 0
      ? "The time ran out before it was quiet; what was asked for until then is true."
      : "Not everything asked for is true:"
  const shown = wrong.slice(0, 10).map((w) => `  - ${w}`)
  const more = wrong.length > shown.length ? [`  and ${wrong.length - shown.length} more`] : []
  return [told, ...(converged ? [] : [...shown, ...more]), ...lines, ""].join("\n")
}
