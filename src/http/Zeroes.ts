/**
 * The series that stand at 0 before anything was counted in them.
 * Rule: every value that a label can have is taken from the list that its type is made of, so none can be forgotten.
 *
 * Prometheus' increase() begins with the first sample of a series: one that comes into being with its first event
 * never shows that event, and an alert about a single one would never fire.
 */
import { Effect, Metric } from "effect"
import * as Meters from "../actor/Meters.ts"
import { driftKinds, driftRepaired, timeToAttach } from "../domain/Metrics.ts"
import { kinds } from "../operator/Kinds.ts"

/** To look at a metric brings it into being, and counts nothing. */
export const expose: Effect.Effect<void> = Effect.gen(function* () {
  yield* Metric.value(timeToAttach)
  for (const kind of driftKinds) yield* Metric.value(Metric.withAttributes(driftRepaired, { kind }))
  for (const kind of kinds) {
    for (const result of Meters.results) yield* Metric.value(Meters.total(kind, result))
  }
})
