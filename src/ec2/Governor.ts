/**
 * Paces requests to EC2: never more than our share of each action's bucket, the most urgent first.
 * Rule: a token is taken before a request is sent; waiting can be interrupted and loses no token; when EC2
 * throttles all the same, others use the account, and our share shrinks for a while.
 */
import { Clock, Context, Deferred, Duration, Effect, Layer, Metric } from "effect"
import * as Metrics from "../domain/Metrics.ts"
import { actions, bucketOf } from "./Buckets.ts"

/** Most urgent first. */
export const urgencies = ["NewNode", "Move", "Rule", "CleanUp", "Sweep"] as const
export type Urgency = (typeof urgencies)[number]

/** How urgent the requests of the running code are. */
export const Urgency = Context.Reference<Urgency>("kubestatic/ec2/Urgency", {
  defaultValue: () => "Sweep"
})

/** After a refusal our share of that bucket is halved, ... */
const shrink = 0.5
/** ... down to this much of it, ... */
const leastShare = 0.1
/** ... and comes back by this much of it a second. */
const recoveryPerSecond = 0.01

export interface Fullness {
  readonly action: string
  /** Requests that could be sent now. */
  readonly tokens: number
  readonly capacity: number
  readonly waiting: number
}

export class Governor extends Context.Service<
  Governor,
  {
    /** Completes when a request of this action may be sent. */
    readonly take: (action: string) => Effect.Effect<void>
    /** EC2 answered RequestLimitExceeded: its bucket is empty, whatever we thought. */
    readonly refused: (action: string) => Effect.Effect<void>
    readonly fullness: () => ReadonlyArray<Fullness>
  }
>()("kubestatic/ec2/Governor") {}

interface Waiter {
  readonly granted: Deferred.Deferred<void>
  isGone: boolean
}

interface State {
  readonly action: string
  readonly capacity: number
  readonly refill: number
  tokens: number
  /** Part of `refill` that is used just now, from leastShare to 1. */
  part: number
  updatedAt: number
  readonly queues: Readonly<Record<Urgency, Array<Waiter>>>
  waiting: number
  isPumping: boolean
}

export interface Options {
  /** Of every bucket, from 0 (excluded) to 1. */
  readonly share: number
}

const make = Effect.fnUntraced(function* ({ share }: Options) {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const states = new Map<string, State>()

  const stateOf = (action: string): State => {
    const known = states.get(action)
    if (known !== undefined) return known
    const bucket = bucketOf(action)
    const capacity = Math.max(1, bucket.capacity * share)
    const fresh: State = {
      action,
      capacity,
      refill: bucket.refill * share,
      tokens: capacity,
      part: 1,
      updatedAt: clock.currentTimeMillisUnsafe(),
      queues: { NewNode: [], Move: [], Rule: [], CleanUp: [], Sweep: [] },
      waiting: 0,
      isPumping: false
    }
    states.set(action, fresh)
    return fresh
  }

  const update = (state: State): void => {
    const now = clock.currentTimeMillisUnsafe()
    const seconds = Math.max(0, now - state.updatedAt) / 1000
    state.tokens = Math.min(state.capacity, state.tokens + seconds * state.refill * state.part)
    state.part = Math.min(1, state.part + seconds * recoveryPerSecond)
    state.updatedAt = now
  }

  const next = (state: State): Waiter | undefined => {
    for (const urgency of urgencies) {
      const queue = state.queues[urgency]
      while (queue.length > 0) {
        const waiter = queue.shift()
        if (waiter !== undefined && !waiter.isGone) return waiter
      }
    }
    return undefined
  }

  /** Hands tokens to waiters as they come in; ends when nobody waits. */
  const pump = (state: State): Effect.Effect<void> =>
    Effect.gen(function* () {
      while (state.waiting > 0) {
        update(state)
        // A token is whole, give or take the rounding of time to milliseconds.
        while (state.tokens >= 1 - 1e-9 && state.waiting > 0) {
          const waiter = next(state)
          if (waiter === undefined) break
          state.waiting -= 1
          state.tokens -= 1
          Deferred.doneUnsafe(waiter.granted, Effect.void)
        }
        if (state.waiting === 0) break
        const missing = 1 - state.tokens
        const millis = Math.max(1, Math.ceil((missing / (state.refill * state.part)) * 1000))
        yield* Effect.sleep(Duration.millis(millis))
      }
      state.isPumping = false
    })

  const take = Effect.fnUntraced(function* (action: string) {
    const state = stateOf(action)
    update(state)
    if (state.waiting === 0 && state.tokens >= 1 - 1e-9) {
      state.tokens -= 1
      return
    }
    const urgency = yield* Urgency
    const began = clock.currentTimeMillisUnsafe()
    const waiter: Waiter = { granted: Deferred.makeUnsafe<void>(), isGone: false }
    state.queues[urgency].push(waiter)
    state.waiting += 1
    if (!state.isPumping) {
      state.isPumping = true
      yield* Effect.forkIn(pump(state), scope)
    }
    yield* Effect.onInterrupt(Deferred.await(waiter.granted), () =>
      Effect.sync(() => {
        if (Deferred.isDoneUnsafe(waiter.granted)) {
          // Granted and interrupted in the same moment: the token goes back.
          state.tokens = Math.min(state.capacity, state.tokens + 1)
          return
        }
        waiter.isGone = true
        state.waiting -= 1
      })
    )
    const seconds = (clock.currentTimeMillisUnsafe() - began) / 1000
    yield* Metric.update(Metric.withAttributes(Metrics.ec2GovernorWait, { operation: action }), seconds)
  })

  return Governor.of({
    take,
    refused: (action) =>
      Effect.sync(() => {
        const state = stateOf(action)
        update(state)
        state.tokens = 0
        state.part = Math.max(leastShare, state.part * shrink)
      }),
    fullness: () =>
      actions.map((action) => {
        const state = stateOf(action)
        update(state)
        return {
          action,
          tokens: Math.floor(state.tokens),
          capacity: Math.floor(state.capacity),
          waiting: state.waiting
        }
      })
  })
})

export const layer = (options: Options): Layer.Layer<Governor> => Layer.effect(Governor, make(options))
