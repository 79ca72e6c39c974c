/**
 * Events that a person sees in `kubectl describe` and `kubectl get events`.
 * Rule: telling never fails, never waits and never holds up the work it tells of; the oldest untold ones go first.
 */
import { hostname } from "node:os"
import { Clock, Context, Effect, Layer, Queue, Random, Schedule } from "effect"
import * as EventObject from "./EventObject.ts"
import * as EventSeries from "./EventSeries.ts"
import { events, Kubernetes } from "./Kubernetes.ts"
import type { KubernetesError } from "./KubernetesError.ts"

export type { Publication, Regarding } from "./EventObject.ts"

export class Events extends Context.Service<
  Events,
  {
    readonly publish: (publication: EventObject.Publication) => Effect.Effect<void>
  }
>()("kubestatic/kubernetes/Events") {}

/** Untold events that are kept. */
const backlog = 1_000

const isPassing = ({ reason }: KubernetesError): boolean =>
  reason._tag === "Unreachable" || reason._tag === "ServerFault" || reason._tag === "TooManyRequests"

const retries = Schedule.exponential("1 second").pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 4 }),
  Schedule.setInputType<KubernetesError>(),
  Schedule.while(({ input }) => isPassing(input))
)

interface Untold {
  readonly publication: EventObject.Publication
  readonly at: number
}

const hex = (n: number): string => n.toString(16).padStart(8, "0")

export const make = Effect.fn("Events.make")(function* (instance: string) {
  const kubernetes = yield* Kubernetes
  const untold = yield* Queue.sliding<Untold>(backlog)
  const recorder = EventSeries.makeRecorder()

  const create = (publication: EventObject.Publication, series: EventSeries.Series, at: number) =>
    kubernetes
      .create(
        events,
        EventObject.make(publication, { name: series.name, at, instance }),
        EventObject.namespace
      )
      .pipe(
        Effect.asVoid,
        Effect.retry(retries),
        // The reply to an earlier attempt was lost.
        Effect.catchReason("KubernetesError", "AlreadyExists", () => Effect.void)
      )

  const patch = (series: EventSeries.Series) =>
    kubernetes
      .patch(
        events,
        { name: series.name, namespace: EventObject.namespace },
        EventObject.seriesPatch(series.count, series.lastAt)
      )
      .pipe(Effect.asVoid, Effect.retry(retries))

  const freshName = Effect.fnUntraced(function* ({ publication, at }: Untold) {
    const random = yield* Random.nextIntBetween(0, 0xffffffff)
    return EventObject.nameOf(publication.regarding, `${at.toString(16)}${hex(random)}`)
  })

  const tell = Effect.fnUntraced(
    function* (one: Untold) {
      const { publication, at } = one
      const decision = recorder.decide(publication, yield* freshName(one), at)
      switch (decision._tag) {
        case "Create":
          return yield* create(publication, decision.series, at)
        case "Patch":
          return yield* patch(decision.series).pipe(
            Effect.catchReason("KubernetesError", "NotFound", () => {
              recorder.forget(publication)
              return Effect.flatMap(freshName(one), (name) => {
                const again = recorder.decide(publication, name, at)
                return again._tag === "Create" ? create(publication, again.series, at) : Effect.void
              })
            })
          )
        case "Count":
        case "Drop":
          return yield* Effect.logDebug(`event not told, too many about ${publication.regarding.name}`)
      }
    },
    (effect, { publication }) =>
      Effect.catch(effect, (error) => {
        recorder.forget(publication)
        return Effect.logDebug(`event not told: ${error.message}`)
      })
  )

  yield* Queue.take(untold).pipe(
    Effect.flatMap(tell),
    // One event that breaks the teller must not silence those that follow.
    Effect.catchDefect((defect) => Effect.logWarning("event not told", defect)),
    Effect.forever,
    Effect.forkScoped
  )

  return Events.of({
    publish: Effect.fnUntraced(function* (publication: EventObject.Publication) {
      const at = yield* Clock.currentTimeMillis
      yield* Queue.offer(untold, { publication, at })
    })
  })
})

/** Over the guarded service: only a leader tells. */
export const layer: Layer.Layer<Events, never, Kubernetes> = Layer.effect(
  Events,
  Effect.suspend(() => make(hostname()))
)
