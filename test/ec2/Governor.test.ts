/** Requests to EC2 go out no faster than our share of the account's buckets, the most urgent first. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Metric, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Metrics from "../../src/domain/Metrics.ts"
import { actions, bucketOf } from "../../src/ec2/Buckets.ts"
import * as Governor from "../../src/ec2/Governor.ts"
import * as TokenBucket from "../../src/ec2/TokenBucket.ts"

const action = "AllocateAddress"
const { refill } = bucketOf(action)
/** A part of a token too: what is left in the bucket because requests travel for different times. */
const brimful = TokenBucket.make(bucketOf(action), 1, 0).capacity
const capacity = Math.floor(brimful)
/** Milliseconds between two tokens. */
const beat = 1_000 / refill

const governed = <A, E>(
  test: (governor: Governor.Governor["Service"]) => Effect.Effect<A, E>,
  options: Governor.Options = { share: 1 }
) => Effect.flatMap(Governor.Governor, test).pipe(Effect.provide(Governor.layer(options)))

const waitingFor = (governor: Governor.Governor["Service"]) =>
  governor.fullness().find((f) => f.action === action)?.waiting

const drain = (governor: Governor.Governor["Service"]) =>
  Effect.forEach(Array.from({ length: capacity }), () => governor.take(action), { discard: true })

/** Takes `n` tokens at once and counts those that got one. */
const burst = Effect.fnUntraced(function* (governor: Governor.Governor["Service"], n: number) {
  let granted = 0
  const one = Effect.andThen(
    governor.take(action),
    Effect.sync(() => {
      granted += 1
    })
  )
  const fiber = yield* Effect.forkChild(
    Effect.forEach(Array.from({ length: n }), () => one, { concurrency: "unbounded", discard: true }),
    { startImmediately: true }
  )
  yield* TestClock.adjust(0)
  return { fiber, granted: () => granted }
})

describe("a bucket", () => {
  for (const n of [1, capacity, capacity + 1, 550]) {
    const seconds = Math.max(0, n - brimful) / refill
    it.effect(`lets ${n} allocations through in ${seconds} s exactly`, () =>
      governed((governor) =>
        Effect.gen(function* () {
          const { granted } = yield* burst(governor, n)
          assert.strictEqual(granted(), Math.min(n, capacity))
          if (seconds === 0) return
          yield* TestClock.adjust(seconds * 1_000 - 1)
          assert.strictEqual(granted(), n - 1)
          yield* TestClock.adjust(1)
          assert.strictEqual(granted(), n)
        })
      )
    )
  }

  it.effect("lets through the share that was given, and at least one request", () =>
    Effect.gen(function* () {
      const capacityOf = (share: number) =>
        governed(
          (governor) => Effect.sync(() => governor.fullness().find((f) => f.action === action)?.capacity),
          { share }
        )
      assert.strictEqual(yield* capacityOf(0.5), 25)
      assert.strictEqual(yield* capacityOf(0.001), 1)
    })
  )

  it.effect("is one per action", () =>
    governed((governor) =>
      Effect.gen(function* () {
        yield* drain(governor)
        yield* governor.take("AssociateAddress")
        assert.deepStrictEqual(
          governor.fullness().map((f) => f.action),
          actions
        )
        assert.strictEqual(governor.fullness().find((f) => f.action === action)?.tokens, 0)
      })
    )
  )

  it.effect("serves five thousand waiters at its pace", () =>
    governed((governor) =>
      Effect.gen(function* () {
        const { fiber, granted } = yield* burst(governor, 5_000)
        assert.strictEqual(waitingFor(governor), 5_000 - capacity)
        yield* TestClock.adjust((5_000 - capacity) * beat)
        assert.strictEqual(granted(), 5_000)
        yield* Fiber.join(fiber)
        assert.strictEqual(waitingFor(governor), 0)
      })
    )
  )
})

describe("those who wait", () => {
  it.effect("are served by urgency, and in order of arrival within one", () =>
    governed((governor) =>
      Effect.gen(function* () {
        yield* drain(governor)
        const served: Array<string> = []
        const arrivals: ReadonlyArray<Governor.Urgency> = [
          "Sweep",
          "CleanUp",
          "Rule",
          "NewNode",
          "Move",
          "Rule",
          "Sweep",
          "NewNode"
        ]
        for (const [i, urgency] of arrivals.entries()) {
          yield* governor
            .take(action)
            .pipe(
              Effect.andThen(Effect.sync(() => served.push(`${urgency} ${i}`))),
              Effect.provideService(Governor.Urgency, urgency),
              Effect.forkChild({ startImmediately: true })
            )
        }
        yield* TestClock.adjust(arrivals.length * beat)
        assert.deepStrictEqual(served, [
          "NewNode 3",
          "NewNode 7",
          "Move 4",
          "Rule 2",
          "Rule 5",
          "CleanUp 1",
          "Sweep 0",
          "Sweep 6"
        ])
      })
    )
  )

  it.effect("are not overtaken by one who comes when a token has just come in", () =>
    governed((governor) =>
      Effect.gen(function* () {
        yield* drain(governor)
        const { granted } = yield* burst(governor, 2)
        yield* TestClock.adjust(beat - 1)
        const late = yield* burst(governor, 1)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual([granted(), late.granted()], [1, 0])
      })
    )
  )

  it.effect("leave without taking a token along when they are interrupted", () =>
    governed((governor) =>
      Effect.gen(function* () {
        yield* drain(governor)
        const quitters = yield* burst(governor, 10)
        const stayers = yield* burst(governor, 2)
        yield* Fiber.interrupt(quitters.fiber)
        assert.strictEqual(waitingFor(governor), 2)
        yield* TestClock.adjust(2 * beat)
        assert.deepStrictEqual([quitters.granted(), stayers.granted()], [0, 2])
      })
    )
  )

  it.effect("can be interrupted in the midst of what must not be", () =>
    governed((governor) =>
      Effect.gen(function* () {
        yield* drain(governor)
        const fiber = yield* Effect.forkChild(Effect.uninterruptible(governor.take(action)), {
          startImmediately: true
        })
        assert.strictEqual(waitingFor(governor), 1)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(waitingFor(governor), 0)
      })
    )
  )

  it.effect("count the time they waited, those who did not too", () =>
    governed((governor) =>
      Effect.gen(function* () {
        const wait = Metric.withAttributes(Metrics.ec2GovernorWait, { operation: action })
        const before = yield* Metric.value(wait)
        yield* burst(governor, capacity + 1)
        yield* TestClock.adjust(beat)
        const after = yield* Metric.value(wait)
        assert.strictEqual(after.count - before.count, capacity + 1)
        assert.closeTo(after.sum - before.sum, (capacity + 1 - brimful) / refill, 1e-9)
      })
    )
  )

  it.effect("end with the process", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const governor = Context.get(
        yield* Layer.buildWithScope(Governor.layer({ share: 1 }), scope),
        Governor.Governor
      )
      const { fiber } = yield* burst(governor, capacity + 5)
      yield* Fiber.interrupt(fiber)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(waitingFor(governor), 0)
    })
  )
})

describe("after RequestLimitExceeded", () => {
  it.effect("the bucket is taken as empty", () =>
    governed((governor) =>
      Effect.gen(function* () {
        yield* governor.refused(action, 0)
        const { granted } = yield* burst(governor, 1)
        assert.strictEqual(granted(), 0)
        yield* TestClock.adjust(beat - 1)
        assert.strictEqual(granted(), 0)
        yield* TestClock.adjust(beat)
        assert.strictEqual(granted(), 1)
      })
    )
  )
})

describe("the share of a bucket", () => {
  const bucket = { capacity: 100, refill: 10 }
  const empty = (b: TokenBucket.TokenBucket, at: number) => {
    while (b.tryTake(at)) {}
  }

  /** Refusals, one after the other, each of a request that was sent after the one before was refused. */
  const refuse = (b: TokenBucket.TokenBucket, times: number) => {
    for (let i = 0; i < times; i++) b.refused(i, i)
  }
  /** How many of `seconds` go through where every n-th request that is sent is refused at once. */
  const paceRefusing = (isRefused: (sent: number) => boolean, seconds: number) => {
    const b = TokenBucket.make(bucket, 1, 0)
    empty(b, 0)
    let sent = 0
    let answered = 0
    for (let at = 0; at < seconds * 1_000; at += 10) {
      while (b.tryTake(at)) {
        sent += 1
        if (isRefused(sent)) b.refused(at, at)
        else {
          answered += 1
          b.admitted(at)
        }
      }
    }
    return { sent, answered }
  }

  it("shrinks by a series of refusals, down to its least", () => {
    const b = TokenBucket.make(bucket, 1, 0)
    const seen = Array.from({ length: 200 }, (_, i) => {
      b.refused(i, i)
      return b.millisToNext(i)
    })
    assert.deepStrictEqual(
      seen,
      seen.toSorted((x, y) => x - y)
    )
    assert.isAbove(seen[0] ?? 0, 100)
    assert.strictEqual(seen.at(-1), Math.ceil(100 / TokenBucket.leastPart))
  })

  it("shrinks once for all requests that were under way together, however late their answers are", () => {
    const once = TokenBucket.make(bucket, 1, 0)
    const together = TokenBucket.make(bucket, 1, 0)
    once.refused(100, 0)
    for (let i = 0; i < 50; i++) together.refused(100, i)
    assert.strictEqual(together.millisToNext(100), once.millisToNext(100))
  })

  it("hardly shrinks where every fifth request is refused by chance", () => {
    const { answered, sent } = paceRefusing((n) => n % 5 === 0, 60)
    assert.isAtLeast(answered / sent, 0.79)
    // Ten a second could be sent; every refusal empties the bucket of part of a token.
    assert.isAtLeast(sent, 0.85 * 600)
  })

  it("uses all that others leave of a bucket, at the cost of about one refusal for each", () => {
    for (const left of [0.2, 0.5, 0.8]) {
      let tokens = 0
      let last = 0
      // What EC2 has left for us when the n-th request comes, ten a second if none was held back.
      const b = TokenBucket.make(bucket, 1, 0)
      empty(b, 0)
      let sent = 0
      let answered = 0
      for (let at = 0; at < 120_000; at += 10) {
        tokens = Math.min(bucket.capacity * left, tokens + ((at - last) / 1_000) * bucket.refill * left)
        last = at
        while (b.tryTake(at)) {
          sent += 1
          if (tokens >= 1) {
            tokens -= 1
            answered += 1
            b.admitted(at)
          } else b.refused(at, at)
        }
      }
      assert.isAtLeast(answered, 0.93 * left * bucket.refill * 120, `${left} left`)
      assert.isAtMost(sent - answered, 1.5 * answered, `${left} left`)
    }
  })

  it("comes back once nothing was refused for a while, slowly, and wholly, also without requests", () => {
    const b = TokenBucket.make(bucket, 1, 0)
    refuse(b, 100)
    const last = 99
    /** Requests that could be sent in the second that begins then. */
    const paceAt = (at: number): number => {
      empty(b, at)
      let n = 0
      for (let t = at; t < at + 1_000; t += 10) while (b.tryTake(t)) n += 1
      return n
    }
    const least = bucket.refill * TokenBucket.leastPart
    assert.closeTo(paceAt(last + TokenBucket.quiet - 1_000), least, 1)
    const half = last + TokenBucket.quiet + 500 / TokenBucket.recoveryPerSecond
    assert.isAbove(paceAt(half), least + 2)
    assert.isBelow(paceAt(half + 1_000), bucket.refill)
    assert.closeTo(paceAt(last + TokenBucket.quiet + 1_000 / TokenBucket.recoveryPerSecond), bucket.refill, 1)
  })

  it("loses nothing by a token that was taken and given back", () => {
    const b = TokenBucket.make(bucket, 1, 0)
    empty(b, 0)
    b.giveBack()
    assert.isTrue(b.tryTake(0))
    assert.isFalse(b.tryTake(0))
  })

  it("is never exceeded, however the requests come", () => {
    for (const share of [0.1, 0.5, 1]) {
      const b = TokenBucket.make(bucket, share, 0)
      let sent = 0
      for (let at = 0; at <= 60_000; at += 7) while (b.tryTake(at)) sent += 1
      assert.isAtMost(sent, share * (bucket.capacity + bucket.refill * 60) + 1)
    }
  })

  it("does not run backwards when the clock does", () => {
    const b = TokenBucket.make(bucket, 1, 10_000)
    empty(b, 10_000)
    assert.isFalse(b.tryTake(5_000))
    assert.strictEqual(b.millisToNext(5_000), 100)
  })
})
