/**
 * Paces requests to EC2: never more than our share of each action's bucket, the most urgent first.
 * Rule: a token is taken before a request is sent; waiting can be interrupted and loses no token; at rest there
 * is no fiber; when EC2 throttles all the same, others use the account, and our share shrinks for a while.
 */
import { Clock, Context, Deferred, Duration, Effect, Layer, Metric } from "effect"
import * as Metrics from "../domain/Metrics.ts"
import { actions, bucketOf } from "./Buckets.ts"
import * as TokenBucket from "./TokenBucket.ts"

/** Most urgent first. */
export const urgencies = ["NewNode", "Move", "Rule", "CleanUp", "Sweep"] as const
export type Urgency = (typeof urgencies)[number]

/** How urgent the requests of the running code are. */
export const Urgency = Context.Reference<Urgency>("kubestatic/ec2/Urgency", {
  defaultValue: () => "Sweep"
})

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
    /** EC2 let a request of this action through, whatever became of it. */
    readonly admitted: (action: string) => Effect.Effect<void>
    /**
     * EC2 answered RequestLimitExceeded to a request sent at `sentAt` (epoch milliseconds): its bucket is empty,
     * whatever we thought.
     */
    readonly refused: (action: string, sentAt: number) => Effect.Effect<void>
    readonly fullness: () => ReadonlyArray<Fullness>
  }
>()("kubestatic/ec2/Governor") {}

type Waiter = Deferred.Deferred<void>

/** Those who wait for one action's tokens. A set keeps the order of arrival, and lets anyone leave at once. */
interface Line {
  readonly bucket: TokenBucket.TokenBucket
  readonly waiters: Readonly<Record<Urgency, Set<Waiter>>>
  readonly wait: Metric.Metric<number, unknown>
  /** A fiber hands out tokens as they come in. */
  isServed: boolean
}

export interface Options {
  /** Of every bucket, from 0 (excluded) to 1. */
  readonly share: number
}

const waitingIn = ({ waiters }: Line): number =>
  urgencies.reduce((sum, urgency) => sum + waiters[urgency].size, 0)

/** Takes the next one out of the line. */
const next = ({ waiters }: Line): Waiter | undefined => {
  for (const urgency of urgencies) {
    for (const waiter of waiters[urgency]) {
      waiters[urgency].delete(waiter)
      return waiter
    }
  }
  return undefined
}

const make = Effect.fnUntraced(function* ({ share }: Options) {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const now = () => clock.currentTimeMillisUnsafe()
  const lines = new Map<string, Line>()

  const lineOf = (action: string): Line => {
    const known = lines.get(action)
    if (known !== undefined) return known
    const fresh: Line = {
      bucket: TokenBucket.make(bucketOf(action), share, now()),
      waiters: {
        NewNode: new Set(),
        Move: new Set(),
        Rule: new Set(),
        CleanUp: new Set(),
        Sweep: new Set()
      },
      wait: Metric.withAttributes(Metrics.ec2GovernorWait, { operation: action }),
      isServed: false
    }
    lines.set(action, fresh)
    return fresh
  }

  const grant = (line: Line): void => {
    while (waitingIn(line) > 0 && line.bucket.tryTake(now())) {
      const waiter = next(line)
      if (waiter !== undefined) Deferred.doneUnsafe(waiter, Effect.void)
    }
  }

  /** Ends when nobody waits; nothing happens between its last look and its end, so nobody is overlooked. */
  const serve = Effect.fnUntraced(function* (line: Line) {
    grant(line)
    while (waitingIn(line) > 0) {
      yield* Effect.sleep(Duration.millis(line.bucket.millisToNext(now())))
      grant(line)
    }
    line.isServed = false
  })

  const queue = Effect.fnUntraced(function* (line: Line) {
    const { [yield* Urgency]: peers } = line.waiters
    const waiter: Waiter = Deferred.makeUnsafe<void>()
    peers.add(waiter)
    if (!line.isServed) {
      line.isServed = true
      yield* Effect.forkIn(serve(line), scope)
    }
    yield* Effect.onInterrupt(Effect.interruptible(Deferred.await(waiter)), () =>
      Effect.sync(() => {
        if (peers.delete(waiter)) return
        // Granted and interrupted in the same moment: the token is the next one's.
        line.bucket.giveBack()
        grant(line)
      })
    )
  })

  const take = (action: string): Effect.Effect<void> =>
    // Only the wait itself can be interrupted, and always: whoever comes out of here has a token, and knows it; a
    // caller that must hear the reply of what it sends can make all of it uninterruptible and still be stopped here.
    Effect.uninterruptible(
      Effect.gen(function* () {
        const line = lineOf(action)
        const began = now()
        const isFirst = waitingIn(line) === 0
        if (!isFirst || !line.bucket.tryTake(began)) yield* queue(line)
        yield* Metric.update(line.wait, (now() - began) / 1000)
      })
    )

  return Governor.of({
    take,
    admitted: (action) => Effect.sync(() => lineOf(action).bucket.admitted(now())),
    refused: (action, sentAt) => Effect.sync(() => lineOf(action).bucket.refused(now(), sentAt)),
    fullness: () =>
      actions.map((action) => {
        const line = lineOf(action)
        return {
          action,
          tokens: line.bucket.tokens(now()),
          capacity: Math.floor(line.bucket.capacity),
          waiting: waitingIn(line)
        }
      })
  })
})

export const layer = (options: Options): Layer.Layer<Governor> => Layer.effect(Governor, make(options))
