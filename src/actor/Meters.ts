/**
 * What the runs of actors add to the metrics.
 * Rule: labels are attached once per kind, not once per run.
 */
import { Effect, Metric } from "effect"
import * as Metrics from "../domain/Metrics.ts"

export const results = ["success", "requeue", "error", "defect"] as const
export type Result = (typeof results)[number]

interface OfKind {
  readonly total: Readonly<Record<Result, Metric.Counter<number>>>
  readonly duration: Metric.Histogram<number>
}

export const total = (kind: string, result: Result): Metric.Counter<number> =>
  Metric.withAttributes(Metrics.reconcileTotal, { kind, result })

const ofKind = (kind: string): OfKind => ({
  total: {
    success: total(kind, "success"),
    requeue: total(kind, "requeue"),
    error: total(kind, "error"),
    defect: total(kind, "defect")
  },
  duration: Metric.withAttributes(Metrics.reconcileDuration, { kind })
})

export interface Meters {
  /** Counts a run that took `nanos`. */
  readonly run: (kind: string, result: Result, nanos: bigint) => Effect.Effect<void>
  /** Counts looks that found nothing to do: as runs that wait again, without a duration. */
  readonly looks: (kind: string, count: number) => Effect.Effect<void>
}

export const make = (): Meters => {
  const known = new Map<string, OfKind>()
  const metersOf = (kind: string): OfKind => {
    const meters = known.get(kind) ?? ofKind(kind)
    known.set(kind, meters)
    return meters
  }
  return {
    run: (kind, result, nanos) => {
      const meters = metersOf(kind)
      return Effect.andThen(
        Metric.update(meters.duration, Number(nanos) / 1e9),
        Metric.update(meters.total[result], 1)
      )
    },
    looks: (kind, count) => Metric.update(metersOf(kind).total.requeue, count)
  }
}
