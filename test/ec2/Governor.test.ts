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
const capacity = Math.floor(TokenBucket.make(bucketOf(action), 1, 0).capacity)
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
    const seconds = Math.max(0, n - capacity) / refill
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
      assert.isAtMost((yield* capacityOf(0.5)) ?? 0, 25)
      assert.isAtLeast((yield* capacityOf(0.5)) ?? 0, 23)
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
        assert.closeTo(after.sum - before.sum, beat / 1_000, 1e-9)
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
        yield* governor.refused(action)
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
  /** Requests that go through in the second that begins then. */
  const pace = (b: TokenBucket.TokenBucket, from: number): number => {
    let n = 0
    for (let at = from; at < from + 1_000; at += 10) while (b.tryTake(at)) n += 1
    return n
  }
  const empty = (b: TokenBucket.TokenBucket, at: number) => {
    while (b.tryTake(at)) {}
  }

  it("shrinks by a series of refusals, down to its least", () => {
    const b = TokenBucket.make(bucket, 1, 0)
    const seen = Array.from({ length: 200 }, (_, i) => {
      b.refused(i * TokenBucket.sameRefusal)
      return b.millisToNext(i * TokenBucket.sameRefusal)
    })
    assert.deepStrictEqual(
      seen,
      seen.toSorted((x, y) => x - y)
    )
    assert.isAbove(seen[0] ?? 0, 100)
    assert.strictEqual(seen.at(-1), Math.ceil(100 / TokenBucket.leastPart))
  })

  it("shrinks once for all requests that were under way together", () => {
    const once = TokenBucket.make(bucket, 1, 0)
    const together = TokenBucket.make(bucket, 1, 0)
    once.refused(0)
    for (let i = 0; i < 50; i++) together.refused(0)
    assert.strictEqual(together.millisToNext(0), once.millisToNext(0))
  })

  it("comes back once nothing was refused for a while, slowly, and wholly", () => {
    const b = TokenBucket.make(bucket, 1, 0)
    for (let i = 0; i < 100; i++) b.refused(i * TokenBucket.sameRefusal)
    const last = 99 * TokenBucket.sameRefusal
    const paceAt = (at: number): number => {
      empty(b, at)
      return pace(b, at)
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
