/**
 * Runs behaviours: one actor per key, one run at a time, woken by name.
 * Rule: a wake is never lost and never counted; an actor with nothing to do has no fiber; what fails waits by a
 * pure policy, what breaks starts afresh, and what breaks too often ends the whole.
 */
import { Cause, Clock, Duration, Effect, Exit, FiberSet, Latch, Random, Scope } from "effect"
import { type Actor, makeRegistry } from "./Actor.ts"
import { CurrentActor } from "./CurrentActor.ts"
import * as Meters from "./Meters.ts"
import type { Next } from "./Next.ts"
import * as Retry from "./Retry.ts"
import * as Supervision from "./Supervision.ts"
import * as Timers from "./Timers.ts"

export { Escalated, type Intensity } from "./Supervision.ts"

/** What an actor does when it is woken. It knows its key and nothing of mailboxes, wakes or retries. */
export type Behaviour<E, R> = (key: string) => Effect.Effect<Next, E, R>

/**
 * What a run would end with, where it would do nothing at all; undefined: it has something to do. Synchronous and from
 * memory: thousands of actors at rest are looked at without a fiber for each.
 */
export type Glance = (key: string) => Next | undefined

export interface Options<Kind extends string, E, R> {
  readonly behaviours: { readonly [K in Kind]: Behaviour<E, R> }
  /** Of kinds that wait at rest, a cheaper way to find out that there is still nothing to do. */
  readonly glances?: { readonly [K in Kind]?: Glance }
  /**
   * Grows with every change of what a glance reads: while it stays as it is, so does what a glance finds. Every glance
   * is taken when absent.
   */
  readonly changes?: () => number
  /** Pure: how long an actor waits after a failure. */
  readonly retryOf: (error: E) => Retry.Retry
  /** For the log, and for the snapshot when the policy has no note. */
  readonly describeError: (error: E) => string
  readonly intensity: Supervision.Intensity
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
  readonly escalated: Effect.Effect<never, Supervision.Escalated>
  /** Takes no more wakes, interrupts every run between two of its steps, and waits for their end. */
  readonly stop: Effect.Effect<void>
  /** Completes when nothing runs and nothing is woken; waits may be pending. */
  readonly awaitIdle: Effect.Effect<void>
  readonly snapshot: () => ReadonlyArray<ActorState<Kind>>
}

/** What becomes of an actor after a run, unless it was woken meanwhile. */
type Outcome =
  | { readonly _tag: "Rest"; readonly result: Meters.Result }
  | { readonly _tag: "Again"; readonly result: Meters.Result }
  | { readonly _tag: "Wait"; readonly result: Meters.Result; readonly millis: number }
  | { readonly _tag: "Forget"; readonly result: Meters.Result }

/** What breaks here breaks in the run as well, and is dealt with there. */
const attempt = (glance: Glance, key: string): Next | undefined => {
  try {
    return glance(key)
  } catch {
    return undefined
  }
}

/** So many failures in a row, and a wake no longer makes an actor run at once, ... */
const impatientFailures = 3
/** ... but within this time. */
const patienceMillis = 1_000

/** Lives as long as the surrounding scope, or until `stop`. Time, chance and `R` are those of its maker. */
export const make = Effect.fnUntraced(function* <Kind extends string, E, R>(
  options: Options<Kind, E, R>
): Effect.fn.Return<ActorSystem<Kind>, never, R | Scope.Scope> {
  const { behaviours, describeError, glances, intensity, retryOf } = options
  const scope = yield* Scope.fork(yield* Effect.scope)
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const fork = yield* Scope.provide(FiberSet.makeRuntime<R, void, never>(), scope)
  const idle = yield* Latch.make(true)
  const actors = makeRegistry<Kind>()
  const meters = Meters.make()
  /** By kind, since they were counted last. */
  const looks = new Map<Kind, number>()
  const supervision = Supervision.make(intensity, clock)
  const timers = Timers.make<Actor<Kind>>(clock, (actor) => {
    actor.timer = undefined
    if (!isStillAtRest(actor)) tell(actor.kind, actor.key, "timer")
  })
  let running = 0
  let isStopped = false

  const tell = (kind: Kind, key: string, why: string): void => {
    if (isStopped) return
    const actor = actors.get(kind, key)
    actor.isWoken = true
    actor.why = why
    if (actor.isRunning) return
    if (actor.timer !== undefined) {
      if (isPatient(actor)) {
        if (timers.remaining(actor.timer) > patienceMillis) wait(actor, patienceMillis)
        return
      }
      timers.cancel(actor.timer)
      actor.timer = undefined
    }
    actor.isRunning = true
    running += 1
    idle.closeUnsafe()
    fork(
      Effect.onExit(live(actor), (exit) => (Exit.isFailure(exit) ? cutShort(actor, exit.cause) : Effect.void))
    )
  }

  /** Its wait is over: where it would only wait again, it does so without a run. */
  const isStillAtRest = (actor: Actor<Kind>): boolean => {
    const glance = actor.failures === 0 ? glances?.[actor.kind] : undefined
    if (glance === undefined || isStopped) return false
    const changes = options.changes?.()
    if (changes === undefined || actor.glancedAt !== changes) {
      const next = attempt(glance, actor.key)
      if (next?._tag !== "RequeueAfter") return false
      actor.note = next.note
      actor.glancedAt = changes
      actor.restMillis = Duration.toMillis(next.duration)
    }
    wait(actor, actor.restMillis)
    // Thousands at a time: counted together.
    if (looks.size === 0) fork(Effect.andThen(Effect.yieldNow, countLooks))
    looks.set(actor.kind, (looks.get(actor.kind) ?? 0) + 1)
    return true
  }

  const countLooks = Effect.suspend(() => {
    const counted = [...looks]
    looks.clear()
    return Effect.forEach(counted, ([kind, count]) => meters.looks(kind, count), { discard: true })
  })

  /** From the first wake to the moment there is nothing to do. */
  const live = Effect.fnUntraced(function* (actor: Actor<Kind>) {
    // Whoever tells goes on first: what it tells in one go is seen as one, and no behaviour runs on its stack.
    yield* Effect.yieldNow
    for (;;) {
      actor.isWoken = false
      const outcome = yield* runOnce(actor)
      // From here to the end nothing yields: a wake either shows in the mailbox now, or finds no fiber and
      // starts one.
      const isFailing = outcome._tag === "Wait" && isPatient(actor)
      if ((actor.isWoken && !isFailing) || outcome._tag === "Again") continue
      if (outcome._tag === "Forget") actors.forget(actor)
      if (outcome._tag === "Wait")
        wait(actor, actor.isWoken ? Math.min(outcome.millis, patienceMillis) : outcome.millis)
      return rest(actor)
    }
  })

  /** It failed again and again: what wakes it may be its own doing, and must not make it spin. */
  const isPatient = (actor: Actor<Kind>): boolean => actor.failures >= impatientFailures

  const wait = (actor: Actor<Kind>, millis: number): void => {
    if (actor.timer !== undefined) timers.cancel(actor.timer)
    actor.timer = timers.set(millis, actor)
  }

  const rest = (actor: Actor<Kind>): void => {
    actor.isRunning = false
    running -= 1
    if (running === 0) idle.openUnsafe()
  }

  /** The fiber ended by something else than its own decision: `stop`, or a defect outside of the behaviour. */
  const cutShort = (actor: Actor<Kind>, cause: Cause.Cause<never>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (!actor.isRunning) return Effect.void
      if (!isStopped) actor.timer = timers.set(waitAfterDefect(actor), actor)
      rest(actor)
      return isStopped ? Effect.void : logDefect(actor, cause)
    })

  const runOnce = Effect.fnUntraced(function* (actor: Actor<Kind>) {
    const { key, kind } = actor
    const began = clock.monotonicTimeNanosUnsafe()
    const exit = yield* Effect.suspend(() => behaviours[kind](key)).pipe(
      Effect.provideService(CurrentActor, actor),
      // A trace of its own: the maker's span would never end. No stack: every run has the same.
      Effect.withSpan(
        kind,
        { root: true, attributes: { key, why: actor.why } },
        { captureStackTrace: false }
      ),
      Effect.exit
    )
    const outcome = Exit.isSuccess(exit) ? succeeded(actor, exit.value) : yield* failed(actor, exit.cause)
    yield* meters.run(kind, outcome.result, clock.monotonicTimeNanosUnsafe() - began)
    return outcome
  })

  const succeeded = (actor: Actor<Kind>, next: Next): Outcome => {
    actor.failures = 0
    actor.note = next._tag === "Stop" ? undefined : next.note
    switch (next._tag) {
      case "AwaitChange":
        return { _tag: "Rest", result: "success" }
      case "RequeueAfter":
        return { _tag: "Wait", result: "requeue", millis: Duration.toMillis(next.duration) }
      case "Stop":
        return { _tag: "Forget", result: "success" }
    }
  }

  /** A failure beside a defect does not make it one less; an interruption from within is one. */
  const failed = Effect.fnUntraced(function* (actor: Actor<Kind>, cause: Cause.Cause<E>) {
    const failure = Cause.hasDies(cause) ? undefined : cause.reasons.find(Cause.isFailReason)
    if (failure === undefined) {
      const millis = waitAfterDefect(actor)
      yield* logDefect(actor, cause)
      return { _tag: "Wait", result: "defect", millis } satisfies Outcome
    }
    const said = describeError(failure.error)
    const retry = retryOf(failure.error)
    const millis = Retry.delay(retry, actor.failures, random.nextDoubleUnsafe())
    const log = Retry.isWorthSaying(retry, actor.failures) ? Effect.logWarning : Effect.logDebug
    actor.failures += 1
    actor.note = retry.note ?? said
    yield* log(`${actor.kind} ${actor.key}: ${said}; again in ${Math.ceil(millis) / 1000} s`)
    const outcome: Outcome =
      millis === 0 ? { _tag: "Again", result: "error" } : { _tag: "Wait", result: "error", millis }
    return outcome
  })

  const waitAfterDefect = (actor: Actor<Kind>): number => {
    const millis = Retry.delay(Retry.backOff(), actor.failures, random.nextDoubleUnsafe())
    actor.failures += 1
    actor.note = "starting afresh after a defect"
    supervision.broke(`${actor.kind} ${actor.key}`)
    return millis
  }

  const logDefect = (actor: Actor<Kind>, cause: Cause.Cause<E>) =>
    Effect.logError(`${actor.kind} ${actor.key} broke and starts afresh`, cause)

  const stateOf = (actor: Actor<Kind>): ActorState<Kind> => ({
    kind: actor.kind,
    key: actor.key,
    state: actor.isRunning ? "Running" : actor.timer === undefined ? "Idle" : "Waiting",
    note: actor.note,
    until:
      actor.timer === undefined ? undefined : clock.currentTimeMillisUnsafe() + timers.remaining(actor.timer),
    failures: actor.failures,
    isWoken: actor.isWoken
  })

  const ticking = Effect.onExit(timers.run, () =>
    Effect.sync(() => {
      if (!isStopped) supervision.fatal("the timers of the actors broke")
    })
  )
  yield* Effect.forkIn(ticking, scope, { startImmediately: true })
  // Finalizers run backwards: from here on nothing starts, then everything that runs is interrupted.
  yield* Scope.addFinalizer(
    scope,
    Effect.sync(() => {
      isStopped = true
    })
  )

  return {
    tell,
    escalated: supervision.escalated,
    // Whoever asks second waits as long as the first.
    stop: Effect.andThen(Scope.close(scope, Exit.void), idle.await),
    awaitIdle: idle.await,
    snapshot: () => actors.all().map(stateOf)
  }
})
