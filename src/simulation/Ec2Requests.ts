/**
 * The way of one request through the simulated EC2: it travels, is admitted or refused, takes effect, and its answer
 * travels back.
 * Rule: every request goes this way and takes effect in one synchronous step half-way through its latency, so a caller
 * that stops waiting does not know whether it did.
 */
import { Effect, Result } from "effect"
import { actions, bucketOf } from "../ec2/Buckets.ts"
import { Ec2Error, fromCode } from "../ec2/Ec2Error.ts"
import { type Draw, exactly } from "./Draw.ts"
import { behind } from "./Ec2Behind.ts"
import * as Buckets from "./Ec2Buckets.ts"
import type { Entry, Journal } from "./Ec2Journal.ts"
import { type Answer, refuse } from "./Ec2Refusal.ts"
import type { State } from "./Ec2State.ts"
import { Peculiarity } from "./Peculiarity.ts"

export interface Fullness {
  readonly action: string
  /** What others leave to us. */
  readonly capacity: number
  readonly tokens: number
}

/** What a request does to the state at `at` (epoch milliseconds). */
export type Transition<A> = (state: State, at: number) => Answer<A>

export interface Requests {
  /** Through the Ec2 service: paced, authorised, counted. */
  readonly send: <A>(
    action: string,
    request: unknown,
    transition: Transition<A>
  ) => Effect.Effect<A, Ec2Error>
  /** By others, or by the cloud itself: at once, out of other buckets, not counted. */
  readonly byHand: <A>(
    action: string,
    request: unknown,
    transition: Transition<A>
  ) => Effect.Effect<A, Ec2Error>
  /** Of every action, in the order of the table, at `at` (epoch milliseconds). */
  readonly fullness: (at: number) => ReadonlyArray<Fullness>
  /** Others use up that many tokens at once. */
  readonly drain: (action: string, tokens: number) => Effect.Effect<void>
}

/** Chances of their own: neither how long requests travel nor who else calls changes what they find. */
export interface Chances {
  readonly travel: Draw
  readonly others: Draw
}

export const make = (state: State, journal: Journal, { others, travel }: Chances): Requests => {
  const levels = new Map<string, Buckets.Level>()
  const bucketNow = (action: string) => Buckets.leftToUs(bucketOf(action), state.conditions.othersShare)

  const admitted = (action: string, at: number): Answer<void> => {
    const { areCredentialsValid, denied } = state.conditions
    const level = Buckets.take(bucketNow(action), levels.get(action), at)
    if (level === undefined || others.chance(state.conditions.crowding)) {
      return refuse("RequestLimitExceeded", "Request limit exceeded.")
    }
    levels.set(action, level)
    if (!areCredentialsValid) {
      return refuse("AuthFailure", "AWS was not able to validate the provided access credentials")
    }
    return denied.has(action)
      ? refuse("UnauthorizedOperation", "You are not authorized to perform this operation.")
      : Result.succeed(undefined)
  }

  /** A transition on the state as the request's peculiarity shows it, or with the lag that it gives to writes. */
  const peculiarly = <A>(peculiarity: Peculiarity, at: number, transition: Transition<A>): Answer<A> => {
    if (peculiarity.behind !== undefined) return transition(behind(state, peculiarity.behind, at), at)
    if (peculiarity.unseenFor === undefined) return transition(state, at)
    const usual = state.conditions
    state.conditions = { ...usual, lag: exactly(peculiarity.unseenFor) }
    try {
      return transition(state, at)
    } finally {
      state.conditions = usual
    }
  }

  const settle = <A>(
    by: Entry["by"],
    action: string,
    request: unknown,
    decide: (at: number) => Answer<A>
  ): Effect.Effect<A, Ec2Error> =>
    Effect.clockWith((clock) => {
      const at = clock.currentTimeMillisUnsafe()
      const answer = decide(at)
      const outcome = Result.isSuccess(answer) ? "OK" : answer.failure.code
      journal.write({ at, by, action, request, outcome })
      if (Result.isSuccess(answer)) return Effect.succeed(answer.success)
      const { code, message } = answer.failure
      return Effect.fail(new Ec2Error({ operation: action, reason: fromCode(code, message) }))
    })

  const overWire = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const latency = travel.between(state.conditions.latency)
      const there = Math.floor(latency / 2)
      return latency <= 0
        ? effect
        : Effect.sleep(there).pipe(
            Effect.andThen(Effect.exit(effect)),
            Effect.tap(() => Effect.sleep(latency - there)),
            Effect.flatten
          )
    })

  return {
    send: (action, request, transition) =>
      overWire(
        Effect.flatMap(Peculiarity, (peculiarity) =>
          settle("service", action, request, (at) => {
            const admission = admitted(action, at)
            return Result.isFailure(admission)
              ? Result.fail(admission.failure)
              : peculiarly(peculiarity, at, transition)
          })
        )
      ),
    byHand: (action, request, transition) => settle("hand", action, request, (at) => transition(state, at)),
    fullness: (at) =>
      actions.map((action) => {
        const bucket = bucketNow(action)
        const tokens = Buckets.tokensAt(bucket, levels.get(action), at)
        return { action, capacity: bucket.capacity, tokens }
      }),
    drain: (action, tokens) =>
      Effect.clockWith((clock) =>
        Effect.sync(() => {
          const at = clock.currentTimeMillisUnsafe()
          levels.set(action, Buckets.drain(bucketNow(action), levels.get(action), at, tokens))
        })
      )
  }
}
