/**
 * Runs behaviours: one actor per key, one run at a time, woken by name.
 * Rule: a wake is never lost and never counted; an actor with nothing to do has no fiber; what fails waits by a
 * pure policy, what breaks starts afresh, and what breaks too often ends the whole.
 */
import {
  Cause,
  Clock,
  Deferred,
  Duration,
  Effect,
  Exit,
  FiberSet,
  Latch,
  Metric,
  Random,
  Schema,
  Scope
} from "effect"
import * as Metrics from "../domain/Metrics.ts"
import { CurrentActor } from "./CurrentActor.ts"
import type { Next } from "./Next.ts"
import * as Retry from "./Retry.ts"
import * as Timers from "./Timers.ts"

/** What an actor does when it is woken. It knows its key and nothing of mailboxes, wakes or retries. */
export type Behaviour<E, R> = (key: string) => Effect.Effect<Next, E, R>

/** Supervision gave up: more defects than its intensity allows. */
export class Escalated extends Schema.TaggedError<Escalated>()("Escalated", {
  message: Schema.String
}) {}

export interface Intensity {
  /** More than this many defects, over all actors, ... */
  readonly defects: number
  /** ... within this time, escalate. */
  readonly within: Duration.Duration
}

export interface Options<Kind extends string, E, R> {
  readonly behaviours: { readonly [K in Kind]: Behaviour<E, R> }
  /** Pure: how long an actor waits after a failure. */
  readonly retryOf: (error: E) => Retry.Retry
  readonly describeError: (error: E) => string
  readonly intensity: Intensity
}

export interface ActorState<Kind extends string> {
  readonly kind: Kind
  readonly key: string
  readonly state: "Running" | "Waiting" | "Idle"
  /** What it waits for, in a few words. */
  readonly note: string | undefined
  /** Epoch milliseconds, while it waits. */
  readonly until: number | undefined
  /** In a row. */
  readonly failures: number
  /** Its mailbox holds a wake. */
  readonly isWoken: boolean
}

export interface ActorSystem<Kind extends string> {
  /** Wakes an actor, which comes into being by it. Synchronous; wakes before the next run are one. */
  readonly tell: (kind: Kind, key: string, why: string) => void
  /** Fails when supervision gives up; never ends otherwise. */
  readonly escalated: Effect.Effect<never, Escalated>
  /** Takes no more wakes, interrupts every run between two of its steps, and waits for their end. */
  readonly stop: Effect.Effect<void>
  /** Completes when nothing runs; waits may be pending. */
  readonly awaitIdle: Effect.Effect<void>
  readonly snapshot: () => ReadonlyArray<ActorState<Kind>>
}

interface Actor<Kind extends string> {
  readonly kind: Kind
  readonly key: string
  /** The mailbox: one slot. */
  isWoken: boolean
  /** For the span of the next run. */
  why: string
  isRunning: boolean
  failures: number
  timer: Timers.Timer | undefined
  note: string | undefined
}

type Result = "success" | "requeue" | "error" | "defect"

export const make = Effect.fnUntraced(function* <Kind extends string, E, R>(
  options: Options<Kind, E, R>
): Effect.fn.Return<ActorSystem<Kind>, never, R | Scope.Scope> {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const timers = yield* Scope.provide(Timers.make, scope)
  const fork = yield* Scope.provide(FiberSet.makeRuntime<R, void, never>(), scope)
  const escalated = yield* Deferred.make<never, Escalated>()
  const idle = yield* Latch.make(true)
  const clock = yield* Clock.Clock
  const actors = new Map<Kind, Map<string, Actor<Kind>>>()
  const defects: Array<number> = []
  let running = 0
  let isStopped = false

  const meters = new Map<Kind, Meters>()
  const metersOf = (kind: Kind): Meters => {
    const known = meters.get(kind)
    if (known !== undefined) return known
    const fresh = makeMeters(kind)
    meters.set(kind, fresh)
    return fresh
  }

  const tell = (kind: Kind, key: string, why: string): void => {
    if (isStopped) return
    const ofKind = actors.get(kind) ?? new Map<string, Actor<Kind>>()
    actors.set(kind, ofKind)
    let actor = ofKind.get(key)
    if (actor === undefined) {
      actor = {
        kind,
        key,
        isWoken: false,
        why,
        isRunning: false,
        failures: 0,
        timer: undefined,
        note: undefined
      }
      ofKind.set(key, actor)
    }
    actor.isWoken = true
    actor.why = why
    cancelTimer(actor)
    if (actor.isRunning) return
    actor.isRunning = true
    running += 1
    idle.closeUnsafe()
    fork(live(actor))
  }

  const cancelTimer = (actor: Actor<Kind>): void => {
    if (actor.timer === undefined) return
    timers.cancel(actor.timer)
    actor.timer = undefined
  }

  const wait = (actor: Actor<Kind>, millis: number): void => {
    // Whole milliseconds, as clocks have them: a fraction would be waited for again and again.
    actor.timer = timers.set(Math.ceil(clock.currentTimeMillisUnsafe() + millis), () => {
      actor.timer = undefined
      tell(actor.kind, actor.key, "timer")
    })
  }

  /** From the first wake to the moment there is nothing to do. */
  const live = Effect.fnUntraced(function* (actor: Actor<Kind>) {
    // Whoever tells goes on first: what it tells in one go is seen as one, and no behaviour runs on its stack.
    yield* Effect.yieldNow
    for (;;) {
      actor.isWoken = false
      const outcome = yield* runOnce(actor)
      // From here to the end nothing yields: a wake either shows in the mailbox now, or finds no fiber and
      // starts one.
      if (!actor.isWoken) {
        const isLast = settle(actor, outcome)
        if (isLast) return
      }
    }
  })

  /** True when the fiber may end; false when the actor is to run again at once. */
  const settle = (actor: Actor<Kind>, outcome: Outcome): boolean => {
    if (outcome._tag === "Wait" && outcome.millis <= 0) return false
    actor.isRunning = false
    running -= 1
    if (outcome._tag === "Wait") wait(actor, outcome.millis)
    if (outcome._tag === "Forget") actors.get(actor.kind)?.delete(actor.key)
    if (running === 0) idle.openUnsafe()
    return true
  }

  const runOnce = Effect.fnUntraced(function* (actor: Actor<Kind>) {
    const { key, kind } = actor
    const began = clock.currentTimeMillisUnsafe()
    const exit = yield* options.behaviours[kind](key).pipe(
      Effect.provideService(CurrentActor, actor),
      Effect.withSpan(kind, { attributes: { key, why: actor.why } }),
      Effect.exit
    )
    const outcome = Exit.isSuccess(exit) ? succeeded(actor, exit.value) : yield* failed(actor, exit.cause)
    const meter = metersOf(kind)
    yield* Metric.update(meter.duration, (clock.currentTimeMillisUnsafe() - began) / 1000)
    yield* Metric.update(meter.total[outcome.result], 1)
    return outcome
  })

  const succeeded = (actor: Actor<Kind>, next: Next): Outcome => {
    actor.failures = 0
    actor.note = next._tag === "Stop" ? undefined : next.note
    switch (next._tag) {
      case "AwaitChange":
        return { _tag: "Rest", result: "success" }
      case "RequeueAfter":
        return { _tag: "Wait", millis: Math.max(1, Duration.toMillis(next.duration)), result: "requeue" }
      case "Stop":
        return { _tag: "Forget", result: "success" }
    }
  }

  const failed = Effect.fnUntraced(function* (actor: Actor<Kind>, cause: Cause.Cause<E>) {
    const { failures, key, kind } = actor
    actor.failures += 1
    const random = yield* Random.next
    const error = cause.reasons.find(Cause.isFailReason)
    if (error !== undefined && !cause.reasons.some(Cause.isDieReason)) {
      const retry = options.retryOf(error.error)
      actor.note = retry.note ?? options.describeError(error.error)
      const millis = Retry.delay(retry, failures, random)
      yield* Effect.logDebug(
        `${kind} ${key} waits ${Math.round(millis)} ms: ${options.describeError(error.error)}`
      )
      return { _tag: "Wait", millis, result: "error" } as const
    }
    yield* Effect.logError(`${kind} ${key} broke and starts afresh`, cause)
    yield* escalateIfOften(kind, key)
    actor.note = "starting afresh after a defect"
    const millis = Retry.delay(Retry.backOff(), failures, random)
    return { _tag: "Wait", millis, result: "defect" } as const
  })

  const escalateIfOften = (kind: Kind, key: string) =>
    Effect.suspend(() => {
      const now = clock.currentTimeMillisUnsafe()
      const since = now - Duration.toMillis(options.intensity.within)
      defects.push(now)
      while ((defects[0] ?? now) < since) defects.shift()
      if (defects.length <= options.intensity.defects) return Effect.void
      const message = `${defects.length} defects within ${Duration.format(options.intensity.within)}, the last in ${kind} ${key}`
      return Deferred.fail(escalated, new Escalated({ message }))
    })

  const snapshot = (): ReadonlyArray<ActorState<Kind>> =>
    [...actors.values()].flatMap((ofKind) =>
      [...ofKind.values()].map(
        (a): ActorState<Kind> => ({
          kind: a.kind,
          key: a.key,
          state: a.isRunning ? "Running" : a.timer === undefined ? "Idle" : "Waiting",
          note: a.note,
          until: a.timer?.at,
          failures: a.failures,
          isWoken: a.isWoken
        })
      )
    )

  return {
    tell,
    escalated: Deferred.await(escalated),
    stop: Effect.suspend(() => {
      isStopped = true
      return Scope.close(scope, Exit.void)
    }),
    awaitIdle: idle.await,
    snapshot
  }
})

type Outcome =
  | { readonly _tag: "Rest"; readonly result: Result }
  | { readonly _tag: "Wait"; readonly millis: number; readonly result: Result }
  | { readonly _tag: "Forget"; readonly result: Result }

interface Meters {
  readonly total: Readonly<Record<Result, Metric.Counter<number>>>
  readonly duration: Metric.Histogram<number>
}

/** Made once per kind: attaching labels is not free. */
const makeMeters = (kind: string): Meters => {
  const total = (result: Result) => Metric.withAttributes(Metrics.reconcileTotal, { kind, result })
  return {
    total: {
      success: total("success"),
      requeue: total("requeue"),
      error: total("error"),
      defect: total("defect")
    },
    duration: Metric.withAttributes(Metrics.reconcileDuration, { kind })
  }
}
