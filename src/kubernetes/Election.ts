/**
 * One contender for the lease: standing by, leading, letting go.
 * Rule: it stops leading 10 s after the last renewal it began, 5 s before anybody else may begin (contenders wait
 * 15 s after the last change they saw), so a write of 4 s at most never overlaps another leader's. A lease that is
 * deleted is not let go: who saw its holder waits as if it were there, and the holder makes it again.
 * Source: client-go tools/leaderelection (15 s, 10 s, 2 s).
 */
import { Clock, Deferred, Duration, Effect, Fiber, Latch, Option, Random, type Scope, Stream } from "effect"
import { leaseName } from "../domain/Names.ts"
import type { Raw } from "../domain/Object.ts"
import { leases, type Service } from "./Kubernetes.ts"
import type { KubernetesError } from "./KubernetesError.ts"
import * as Lease from "./Lease.ts"

const renewDeadlineMillis = 10_000
const retryMillis = 2_000
const jitter = 0.2
const releaseTimeout = Duration.seconds(3)

/** For a write that must be over before the lease can be somebody else's. */
export const marginMillis = Lease.leaseDurationSeconds * 1_000 - renewDeadlineMillis

const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

const retryDelay = Effect.map(Random.next, (r) => Duration.millis(Math.round(retryMillis * (1 + jitter * r))))

/** Unique per process: a pod that starts again is another contender than the one before. */
export const identityOn = Effect.fnUntraced(function* (host: string) {
  const words = yield* Effect.replicateEffect(Random.nextIntBetween(0, 0xffff), 8)
  const hex = words.map((word) => word.toString(16).padStart(4, "0"))
  return `${host}_${hex[0]}${hex[1]}-${hex[2]}-${hex[3]}-${hex[4]}-${hex[5]}${hex[6]}${hex[7]}`
})

export interface Election {
  readonly acquired: Effect.Effect<void>
  /** Fails with a line that says why. */
  readonly lost: Effect.Effect<never, string>
  readonly mayWrite: Effect.Effect<boolean>
  readonly release: Effect.Effect<void>
}

type Attempt =
  | { readonly _tag: "Ours"; readonly lease: Raw; readonly sentAt: number }
  | { readonly _tag: "Held"; readonly holder: string }

export const hold = Effect.fn("Election.hold")(function* (options: {
  readonly kubernetes: Service
  readonly namespace: string
  readonly identity: string
  readonly report: (isLeader: boolean) => Effect.Effect<void>
}): Effect.fn.Return<Election, never, Scope.Scope> {
  const { kubernetes, namespace, identity, report } = options
  const ref = { name: leaseName, namespace }

  const acquired = yield* Deferred.make<void>()
  const lost = yield* Deferred.make<never, string>()
  /** Opened by the watch when the lease is free, so that a standby need not wait for its next retry. */
  const isFree = yield* Latch.make()
  const isSeen = yield* Latch.make()

  /** As it was seen last. */
  let seen:
    | { readonly lease: Raw; readonly observation: Lease.Observation; readonly isGone: boolean }
    | undefined
  /** Until when this process leads; undefined when it does not. */
  let leadsUntil: number | undefined
  /** Lost or released: neither happens twice, and none after the other. */
  let isOver = false

  const see = Effect.fnUntraced(function* (lease: Raw) {
    const now = yield* monotonicMillis
    const observation = Lease.observe(seen?.observation, lease, now)
    seen = { lease, observation, isGone: false }
    yield* isSeen.open
    return Lease.judge(lease, identity, observation, now)
  })

  /** Who led by the lease that is gone now, and may not have noticed. That it went is a change of it like any other. */
  const lastHolder = Effect.map(monotonicMillis, (now) => {
    if (seen === undefined) return undefined
    const { isGone, lease, observation } = seen
    if (!isGone) seen = { lease, observation: { ...observation, changedAt: now }, isGone: true }
    return Lease.judge(lease, identity, seen.observation, now) === "Held" ? Lease.holderOf(lease) : undefined
  })

  const read: Effect.Effect<Option.Option<Raw>, KubernetesError> = kubernetes.get(leases, ref).pipe(
    Effect.asSome,
    Effect.catchReason("KubernetesError", "NotFound", () => Effect.succeedNone)
  )

  const send = Effect.fnUntraced(function* (write: (now: number) => Effect.Effect<Raw, KubernetesError>) {
    const sentAt = yield* monotonicMillis
    const lease = yield* Effect.flatMap(Clock.currentTimeMillis, write)
    yield* see(lease)
    return { _tag: "Ours", lease, sentAt } as const
  })

  /** Takes or renews the lease if that is allowed. */
  const attempt = Effect.fnUntraced(function* (): Effect.fn.Return<Attempt, KubernetesError> {
    const found = yield* read
    if (Option.isNone(found)) {
      const holder = yield* lastHolder
      if (holder !== undefined) return { _tag: "Held", holder }
      return yield* send((now) =>
        kubernetes.create(leases, Lease.fresh({ ...ref, identity, now }), namespace)
      )
    }
    const lease = found.value
    if ((yield* see(lease)) === "Held") return { _tag: "Held", holder: Lease.holderOf(lease) }
    return yield* send((now) => kubernetes.update(leases, ref, Lease.claimed(lease, identity, now)))
  })

  /** Without reading first: the lease is as we wrote it, unless something else happened. */
  const renew = (lease: Raw): Effect.Effect<Attempt, KubernetesError> =>
    send((now) => kubernetes.update(leases, ref, Lease.claimed(lease, identity, now))).pipe(
      Effect.catchReasons("KubernetesError", { Conflict: () => attempt(), NotFound: () => attempt() })
    )

  const lead = Effect.fnUntraced(function* (first: Extract<Attempt, { readonly _tag: "Ours" }>) {
    let held = first
    while (true) {
      const until = held.sentAt + renewDeadlineMillis
      leadsUntil = until
      let renewal: Attempt | undefined
      while (renewal === undefined) {
        const left = until - (yield* monotonicMillis)
        if (left <= 0)
          return `the lease ${leaseName} could not be renewed for ${renewDeadlineMillis / 1_000} s`
        yield* Effect.sleep(Duration.min(yield* retryDelay, Duration.millis(left)))
        renewal = yield* renew(held.lease).pipe(
          Effect.tapError((error) => Effect.logWarning(`lease not renewed: ${error.message}`)),
          Effect.timeoutOption(Duration.millis(Math.max(0, until - (yield* monotonicMillis)))),
          Effect.map(Option.getOrUndefined),
          Effect.orElseSucceed(() => undefined)
        )
      }
      if (renewal._tag === "Held") return `the lease ${leaseName} is held by ${renewal.holder}`
      held = renewal
    }
  })

  const standBy = Effect.gen(function* () {
    let said = ""
    const sayOnce = (line: string, say: (line: string) => Effect.Effect<void>) =>
      Effect.suspend(() => {
        if (said === line) return Effect.void
        said = line
        return say(line)
      })
    while (true) {
      yield* isFree.close
      const outcome = yield* attempt().pipe(
        Effect.catch((error) =>
          Effect.as(sayOnce(`lease not taken: ${error.message}`, Effect.logWarning), undefined)
        )
      )
      if (outcome?._tag === "Ours") return outcome
      if (outcome?._tag === "Held") yield* sayOnce(`standing by: ${outcome.holder} leads`, Effect.logInfo)
      yield* Effect.timeoutOption(isFree.await, yield* retryDelay)
    }
  })

  /** Brings only speed: the retries of `standBy` find everything that is missed here. */
  const follow = isSeen.await.pipe(
    Effect.andThen(Random.nextIntBetween(240, 300)),
    Effect.flatMap((timeoutSeconds) =>
      kubernetes
        .watch(leases, {
          namespace,
          fieldSelector: `metadata.name=${leaseName}`,
          resourceVersion: seen === undefined ? "" : Lease.versionOf(seen.lease),
          timeoutSeconds
        })
        .pipe(
          Stream.runForEach((event) => {
            if (event.type === "BOOKMARK") return Effect.void
            const isHeld =
              event.type === "DELETED"
                ? Effect.map(lastHolder, (holder) => holder !== undefined)
                : Effect.map(see(event.object), (claim) => claim !== "Free")
            return Effect.flatMap(isHeld, (held) => (held ? Effect.void : isFree.open))
          })
        )
    ),
    Effect.catch((error) => Effect.logDebug(error.message)),
    Effect.andThen(Effect.flatMap(retryDelay, (delay) => Effect.sleep(delay))),
    Effect.forever
  )

  const stop = Effect.suspend(() => {
    leadsUntil = undefined
    return report(false)
  })

  yield* report(false)
  const contender = yield* Effect.raceFirst(standBy, follow).pipe(
    Effect.flatMap((won) =>
      Effect.gen(function* () {
        leadsUntil = won.sentAt + renewDeadlineMillis
        yield* Effect.logInfo(`leading as ${identity}`)
        yield* report(true)
        yield* Deferred.succeed(acquired, undefined)
        const why = yield* lead(won)
        isOver = true
        yield* stop
        yield* Deferred.fail(lost, why)
      })
    ),
    Effect.forkScoped
  )

  const giveUp = Effect.gen(function* () {
    const found = yield* read
    if (Option.isNone(found) || Lease.holderOf(found.value) !== identity) return
    const now = yield* Clock.currentTimeMillis
    yield* kubernetes.update(leases, ref, Lease.released(found.value, now))
    yield* Effect.logInfo(`released the lease ${leaseName}`)
  }).pipe(
    // A renewal that was cut short may arrive in between.
    Effect.retry({ times: 2, while: (error) => error.reason._tag === "Conflict" }),
    Effect.timeout(releaseTimeout),
    Effect.catch((error) => Effect.logWarning(`lease not released, it runs out by itself: ${error.message}`))
  )

  const release = Effect.suspend(() => {
    if (isOver) return Effect.void
    isOver = true
    // Also from a standby: it may be stopped while the request that makes it the leader is on its way.
    return stop.pipe(Effect.andThen(Fiber.interrupt(contender)), Effect.andThen(giveUp))
  }).pipe(Effect.uninterruptible)

  return {
    acquired: Deferred.await(acquired),
    lost: Deferred.await(lost),
    mayWrite: Effect.map(monotonicMillis, (now) => leadsUntil !== undefined && now < leadsUntil),
    release
  }
})
