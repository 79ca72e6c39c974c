/** Leadership by the lease: one at a time, whatever clocks and networks do. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Random, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Election from "../../src/kubernetes/Election.ts"
import * as LeaseServer from "./LeaseServer.ts"

/** A contender that ends with its own scope, as a process ends. */
const contend = Effect.fnUntraced(function* (
  server: ReturnType<typeof LeaseServer.make>,
  identity: string,
  weather?: () => LeaseServer.Weather
) {
  const scope = yield* Scope.make()
  const reports: Array<boolean> = []
  const election = yield* Election.hold({
    kubernetes: server.connection(weather),
    namespace: "default",
    identity,
    report: (isLeader) => Effect.sync(() => void reports.push(isLeader))
  }).pipe(Scope.provide(scope), Random.withSeed(identity))
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const lost = yield* Effect.forkIn(Effect.flip(election.lost), scope)
  yield* TestClock.adjust(0)
  return {
    ...election,
    reports,
    crash: Scope.close(scope, Exit.void),
    hasLost: () => lost.pollUnsafe() !== undefined,
    lostFiber: lost
  }
})

const seconds = Effect.map(Clock.currentTimeMillis, (millis) => millis / 1_000)

/** How many seconds until `is` holds, in steps of 0.1 s. */
const until = Effect.fnUntraced(function* (is: Effect.Effect<boolean>) {
  const before = yield* seconds
  while (!(yield* is)) {
    yield* TestClock.adjust("100 millis")
    if ((yield* seconds) > before + 120) return assert.fail("it never happened")
  }
  return Math.round(((yield* seconds) - before) * 10) / 10
})

const theirs = { holderIdentity: "other", leaseDurationSeconds: 15, leaseTransitions: 4 }

describe("a contender", () => {
  it.effect("makes the lease where there is none", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2024, 0, 1))
      const server = LeaseServer.make()
      const a = yield* contend(server, "a")
      yield* a.acquired
      assert.isTrue(yield* a.mayWrite)
      assert.deepStrictEqual(a.reports, [false, true])
      assert.deepStrictEqual(server.spec(), {
        holderIdentity: "a",
        leaseDurationSeconds: 15,
        acquireTime: "2024-01-01T00:00:00.000000Z",
        renewTime: "2024-01-01T00:00:00.000000Z",
        leaseTransitions: 0
      })
    })
  )

  it.effect("takes a lease that was released, and counts the transition", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      yield* server.write({ ...theirs, holderIdentity: "" })
      const a = yield* contend(server, "a")
      yield* a.acquired
      assert.deepInclude(server.spec(), { holderIdentity: "a", leaseTransitions: 5 })
    })
  )

  it.effect.each([
    { renewTime: "1999-01-01T00:00:00.000000Z" },
    { renewTime: "2999-01-01T00:00:00.000000Z" }
  ])("waits 15 s from when it saw the lease change, whatever time $renewTime is", ({ renewTime }) =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      yield* server.write({ ...theirs, renewTime })
      const a = yield* contend(server, "a")
      yield* TestClock.adjust("10 seconds")
      yield* server.write({ ...theirs, renewTime: `${renewTime}`, acquireTime: renewTime })
      const waited = yield* until(a.mayWrite)
      assert.isAtLeast(waited, 15)
      assert.isAtMost(waited, 17.5)
    })
  )

  it.effect("never leads while the holder renews", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      const a = yield* contend(server, "a")
      const b = yield* contend(server, "b")
      for (let i = 0; i < 300; i++) {
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([yield* a.mayWrite, yield* b.mayWrite], [true, false])
      }
      assert.deepStrictEqual(b.reports, [false])
    })
  )

  it.effect("takes over at once from one that lets go, without waiting for its next retry", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      const a = yield* contend(server, "a")
      const b = yield* contend(server, "b")
      yield* TestClock.adjust("30 seconds")
      const before = yield* seconds
      yield* a.release
      yield* b.acquired
      assert.strictEqual(yield* seconds, before)
      assert.deepStrictEqual([yield* a.mayWrite, yield* b.mayWrite], [false, true])
      assert.strictEqual(server.watches(), 0)
    })
  )

  it.effect("waits as long for a lease that is deleted: its holder may not have noticed", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      yield* server.write(theirs)
      const a = yield* contend(server, "a")
      yield* TestClock.adjust("3 seconds")
      yield* server.remove
      const waited = yield* until(a.mayWrite)
      assert.isAtLeast(waited, 15)
      assert.isAtMost(waited, 17.5)
    })
  )

  it.effect("waits so also when it has not seen the lease for long: the holder went on renewing", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      let weather: LeaseServer.Weather = {}
      yield* server.write(theirs)
      const a = yield* contend(server, "a", () => weather)
      yield* TestClock.adjust("1 second")
      weather = { lost: "request" }
      yield* TestClock.adjust("20 seconds")
      yield* server.remove
      weather = {}
      assert.isAtLeast(yield* until(a.mayWrite), 15)
    })
  )

  it.effect("takes over at once when a lease that was let go is deleted", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      yield* server.write(theirs)
      const a = yield* contend(server, "a")
      yield* TestClock.adjust("3 seconds")
      yield* Effect.all([server.write({ ...theirs, holderIdentity: "" }), server.remove])
      yield* a.acquired
    })
  )

  it.effect("leaves it to the leader to make a deleted lease again", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      const a = yield* contend(server, "a")
      const b = yield* contend(server, "b")
      for (let i = 0; i < 40; i++) {
        if (i % 5 === 0) yield* server.remove
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual([yield* a.mayWrite, yield* b.mayWrite], [true, false])
      }
      assert.deepInclude(server.spec(), { holderIdentity: "a" })
    })
  )

  it.effect("takes over from one that crashed after 15 s and one retry", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      const a = yield* contend(server, "a")
      const b = yield* contend(server, "b")
      yield* TestClock.adjust("30 seconds")
      yield* a.crash
      const waited = yield* until(b.mayWrite)
      assert.isAtLeast(waited, 15 - 2.4)
      assert.isAtMost(waited, 17.5)
    })
  )

  it.effect("goes on where its watch breaks and its requests fail", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      let weather: LeaseServer.Weather = { lost: "request" }
      const a = yield* contend(server, "a", () => weather)
      yield* TestClock.adjust("1 minute")
      assert.isFalse(yield* a.mayWrite)
      weather = {}
      assert.isAtMost(yield* until(a.mayWrite), 2.4)
    })
  )
})

describe("a leader", () => {
  it.effect("renews every 2 to 2.4 s", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      yield* contend(server, "a")
      yield* TestClock.adjust("10 minutes")
      const gaps = server.changes.slice(1).map((change, i) => change.at - (server.changes[i]?.at ?? 0))
      assert.isAbove(gaps.length, 200)
      for (const gap of gaps) assert.isTrue(gap >= 2_000 && gap <= 2_400, `a gap of ${gap} ms`)
      assert.isAbove(new Set(gaps).size, 10)
      const [first, last] = [server.changes[0]?.spec, server.spec()]
      assert.strictEqual(last?.acquireTime, first?.acquireTime)
      assert.notStrictEqual(last?.renewTime, first?.renewTime)
    })
  )

  it.effect("may not write 10 s after the last renewal it began, and says that it has lost", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      let weather: LeaseServer.Weather = {}
      const a = yield* contend(server, "a", () => weather)
      yield* TestClock.adjust("1 minute")
      weather = { lost: "request" }
      const last = server.changes.at(-1)?.at ?? 0
      yield* TestClock.adjust(last + 9_999 - (yield* Clock.currentTimeMillis))
      assert.isTrue(yield* a.mayWrite)
      yield* TestClock.adjust("1 millis")
      assert.isFalse(yield* a.mayWrite)
      assert.strictEqual(
        yield* Fiber.join(a.lostFiber),
        "the lease 3a0d74f7.kubestatic.quortex.io could not be renewed for 10 s"
      )
      assert.deepStrictEqual(a.reports, [false, true, false])
    })
  )

  it.effect("counts from before the renewal was sent, however late the answer comes", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      let weather: LeaseServer.Weather = {}
      const a = yield* contend(server, "a", () => weather)
      yield* TestClock.adjust("1 minute")
      const before = server.changes.length
      weather = { backMillis: 7_000 }
      yield* until(Effect.sync(() => server.changes.length > before))
      const began = server.changes.at(-1)?.at ?? 0
      // Its answer comes after 7 s; that of the next renewal comes too late.
      yield* TestClock.adjust(began + 9_999 - (yield* Clock.currentTimeMillis))
      assert.isTrue(yield* a.mayWrite)
      yield* TestClock.adjust("1 millis")
      assert.isFalse(yield* a.mayWrite)
    })
  )

  it.effect("holds a request that hangs no longer than its deadline", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      let weather: LeaseServer.Weather = {}
      const a = yield* contend(server, "a", () => weather)
      yield* TestClock.adjust("1 minute")
      weather = { backMillis: 3_600_000 }
      assert.isAtMost(yield* until(Effect.sync(a.hasLost)), 12.5)
    })
  )

  it.effect("goes on after answers that were lost and conflicts with itself", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      let requests = 0
      const a = yield* contend(server, "a", () => (++requests % 4 === 0 ? { lost: "answer" } : {}))
      yield* TestClock.adjust("5 minutes")
      assert.isTrue(yield* a.mayWrite)
      assert.deepInclude(server.spec(), { holderIdentity: "a", leaseTransitions: 0 })
    })
  )

  it.effect("makes the lease again when it is deleted", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      const a = yield* contend(server, "a")
      yield* a.acquired
      yield* server.remove
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(yield* a.mayWrite)
      assert.deepInclude(server.spec(), { holderIdentity: "a" })
    })
  )

  it.effect("has lost as soon as it sees another one in the lease", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      const a = yield* contend(server, "a")
      yield* TestClock.adjust("30 seconds")
      yield* server.write(theirs)
      assert.isAtMost(yield* until(Effect.sync(a.hasLost)), 2.5)
      assert.isFalse(yield* a.mayWrite)
      assert.strictEqual(
        yield* Fiber.join(a.lostFiber),
        "the lease 3a0d74f7.kubestatic.quortex.io is held by other"
      )
      yield* a.release
      assert.deepStrictEqual(server.spec(), theirs)
    })
  )
})

describe("a release", () => {
  it.effect("leaves a lease that anyone may take, once, and nothing is renewed after it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2024, 0, 1))
      const server = LeaseServer.make()
      const a = yield* contend(server, "a")
      yield* a.acquired
      yield* a.release
      assert.isFalse(yield* a.mayWrite)
      assert.deepStrictEqual(server.spec(), {
        holderIdentity: "",
        leaseDurationSeconds: 1,
        acquireTime: "2024-01-01T00:00:00.000000Z",
        renewTime: "2024-01-01T00:00:00.000000Z",
        leaseTransitions: 0
      })
      yield* a.release
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.changes.length, 2)
      assert.isFalse(a.hasLost())
      assert.deepStrictEqual(a.reports, [false, true, false])
    })
  )

  it.effect("of a standby leaves the lease alone", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      yield* server.write(theirs)
      const a = yield* contend(server, "a")
      yield* a.release
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(server.spec(), theirs)
    })
  )

  it.effect("that cannot be sent is given up after 3 s", () =>
    Effect.gen(function* () {
      const server = LeaseServer.make()
      let weather: LeaseServer.Weather = {}
      const a = yield* contend(server, "a", () => weather)
      weather = { backMillis: 3_600_000 }
      const fiber = yield* Effect.forkChild(a.release)
      assert.isAtMost(yield* until(Effect.sync(() => fiber.pollUnsafe() !== undefined)), 3.1)
    })
  )
})

describe("two contenders", () => {
  let changesOfLeader = 0
  const seeded = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

  it.effect.prop(
    "never lead at once, with 5 s between one and the other unless the first let go, in any weather",
    [seeded],
    ([seed]) =>
      Effect.gen(function* () {
        const server = LeaseServer.make()
        const start = yield* seconds
        const draw = Random.withSeed(
          Effect.gen(function* () {
            const spans = yield* Effect.replicateEffect(Random.nextIntBetween(1, 25), 40)
            const kinds = yield* Effect.replicateEffect(Random.nextIntBetween(0, 6), 40)
            return spans.map((span, i) => ({ span, kind: kinds[i] ?? 0 }))
          }),
          String(seed)
        )
        const spells = yield* draw
        const state = { now: start }
        /** Bad spells hit one contender after the other. */
        const weatherOf = (index: number) => (): LeaseServer.Weather => {
          let end = start
          for (const [i, { span, kind }] of spells.entries()) {
            end += span
            if (state.now >= end) continue
            if (i % 2 !== index) return { thereMillis: 5, backMillis: 5 }
            const bad: ReadonlyArray<LeaseServer.Weather> = [
              { lost: "request" },
              { lost: "answer" },
              { thereMillis: 2_500 },
              { backMillis: 2_900 },
              { thereMillis: 1_400, backMillis: 1_400 },
              {}
            ]
            return bad[kind] ?? {}
          }
          return {}
        }
        const contenders = yield* Effect.forEach([0, 1], (i) => contend(server, `c${i}-0`, weatherOf(i)))
        const led = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
        for (let step = 0; step < 1_200; step++) {
          yield* TestClock.adjust("250 millis")
          state.now = yield* seconds
          const leading: Array<number> = []
          for (const [i, contender] of contenders.entries()) {
            if (yield* contender.mayWrite) leading.push(i)
            if (contender.hasLost()) contenders[i] = yield* contend(server, `c${i}-${step}`, weatherOf(i))
          }
          assert.isAtMost(leading.length, 1)
          for (const i of leading) {
            const other = 1 - i
            const gap = state.now - (led[other] ?? 0)
            assert.isAtLeast(gap, 4.75, "the other one led a moment ago")
            if ((led[i] ?? 0) < (led[other] ?? 0)) changesOfLeader++
            led[i] = state.now
          }
        }
      }),
    { arbitrary: { runs: 15, seed: 1 } }
  )

  it("did change places under that weather", () => {
    assert.isAbove(changesOfLeader, 15)
  })
})

describe("an identity", () => {
  it.effect("is the host's and unlike any other", () =>
    Effect.gen(function* () {
      const a = yield* Election.identityOn("host")
      const b = yield* Election.identityOn("host")
      assert.match(a, /^host_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      assert.notStrictEqual(a, b)
    })
  )
})
