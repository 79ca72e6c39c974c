import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Logger, Random, References } from "effect"
import { TestClock } from "effect/testing"
import * as ActorSystem from "../../src/actor/ActorSystem.ts"
import { CurrentActor } from "../../src/actor/CurrentActor.ts"
import * as Next from "../../src/actor/Next.ts"
import * as Retry from "../../src/actor/Retry.ts"

type Failure = Retry.Retry

const system = (
  behaviour: ActorSystem.Behaviour<Failure, never>,
  intensity: ActorSystem.Intensity = { defects: 3, within: Duration.minutes(1) }
) =>
  ActorSystem.make<"Thing", Failure, never>({
    behaviours: { Thing: behaviour },
    retryOf: (retry) => retry,
    describeError: (retry) => retry._tag,
    intensity
  })

/** A behaviour that leaves a trace and answers. */
const counted = (trace: () => void, next: Next.Next) =>
  Effect.sync(() => {
    trace()
    return next
  })

const times = (from: number, list: ReadonlyArray<number>) => list.map((t) => t - from)
const now = Effect.clockWith((clock) => clock.currentTimeMillis)

describe("a glance", () => {
  const every = Next.requeueAfter("1 minute")
  const glancing = (glance: ActorSystem.Glance, run: () => void, changes?: () => number) =>
    ActorSystem.make<"Thing", Failure, never>({
      behaviours: { Thing: () => counted(run, every) },
      glances: { Thing: glance },
      ...(changes === undefined ? {} : { changes }),
      retryOf: (retry) => retry,
      describeError: (retry) => retry._tag,
      intensity: { defects: 3, within: Duration.minutes(1) }
    })

  it.effect("takes the place of a run that would only wait again, for as long as it would", () =>
    Effect.gen(function* () {
      let [runs, glances] = [0, 0]
      let atRest = true
      const actors = yield* glancing(
        () => {
          glances++
          return atRest ? every : undefined
        },
        () => runs++
      )
      actors.tell("Thing", "a", "test")
      yield* actors.awaitIdle
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual([runs, glances], [1, 5])
      atRest = false
      yield* TestClock.adjust("1 minute")
      yield* actors.awaitIdle
      assert.deepStrictEqual([runs, glances], [2, 6])
    })
  )
  it.effect("is not taken again while nothing has changed, and the wait is as long", () =>
    Effect.gen(function* () {
      let [changes, runs, glances] = [0, 0, 0]
      let found: Next.Next | undefined = Next.requeueAfter("2 minutes")
      const actors = yield* glancing(
        () => {
          glances++
          return found
        },
        () => runs++,
        () => changes
      )
      actors.tell("Thing", "a", "test")
      yield* actors.awaitIdle
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([runs, glances], [1, 1])
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual([runs, glances], [1, 1])
      assert.strictEqual((actors.snapshot()[0]?.until ?? 0) - (yield* now), 120_000)
      // Also where it now finds something to do.
      found = undefined
      changes++
      yield* TestClock.adjust("2 minutes")
      yield* actors.awaitIdle
      assert.deepStrictEqual([runs, glances], [2, 2])
    })
  )
  it.effect("that breaks, or sees that there is nothing to wait for, leaves it to a run", () =>
    Effect.gen(function* () {
      for (const glance of [
        () => Next.awaitChange(),
        () => {
          throw new Error("broken")
        }
      ]) {
        let runs = 0
        const actors = yield* glancing(glance, () => runs++)
        actors.tell("Thing", "a", "test")
        yield* TestClock.adjust("1 minute")
        yield* actors.awaitIdle
        assert.strictEqual(runs, 2)
      }
    })
  )
  it.effect("does not answer for one that is woken", () =>
    Effect.gen(function* () {
      let runs = 0
      const actors = yield* glancing(
        () => every,
        () => runs++
      )
      for (let n = 0; n < 3; n++) {
        actors.tell("Thing", "a", "test")
        yield* actors.awaitIdle
      }
      assert.strictEqual(runs, 3)
    })
  )
})

describe("a wake", () => {
  it.effect("runs the behaviour with its key, and says whose it is", () =>
    Effect.gen(function* () {
      const ran: Array<string> = []
      const actors = yield* system((key) =>
        Effect.map(CurrentActor, (actor) => {
          ran.push(`${key} as ${actor?.kind} ${actor?.key}`)
          return Next.awaitChange()
        })
      )
      actors.tell("Thing", "a", "test")
      yield* actors.awaitIdle
      assert.deepStrictEqual(ran, ["a as Thing a"])
    })
  )
  it.effect("many of them before a run are one", () =>
    Effect.gen(function* () {
      let runs = 0
      const actors = yield* system(() => counted(() => runs++, Next.awaitChange()))
      for (let i = 0; i < 100; i++) actors.tell("Thing", "a", "test")
      yield* actors.awaitIdle
      assert.strictEqual(runs, 1)
    })
  )
  it.effect("during a run brings exactly one more run", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let runs = 0
      const actors = yield* system(() =>
        Effect.suspend(() => {
          runs++
          return runs === 1
            ? Effect.as(Deferred.await(gate), Next.awaitChange())
            : Effect.succeed(Next.awaitChange())
        })
      )
      actors.tell("Thing", "a", "test")
      yield* Effect.yieldNow
      for (let i = 0; i < 10; i++) actors.tell("Thing", "a", "test")
      yield* Deferred.succeed(gate, undefined)
      yield* actors.awaitIdle
      assert.strictEqual(runs, 2)
    })
  )
  it.effect("is not lost wherever in a run it falls, the last moment included", () =>
    Effect.gen(function* () {
      // The wake falls after k turns of the scheduler, for every k around the length of a run.
      for (let k = 0; k < 40; k++) {
        let seen = 0
        let world = 0
        const actors = yield* system(() =>
          Effect.gen(function* () {
            seen = world
            for (let i = 0; i < 10; i++) yield* Effect.yieldNow
            return Next.awaitChange()
          })
        )
        actors.tell("Thing", "a", "first")
        for (let i = 0; i < k; i++) yield* Effect.yieldNow
        world = 1
        actors.tell("Thing", "a", "second")
        yield* actors.awaitIdle
        assert.strictEqual(seen, 1, `woken after ${k} turns`)
      }
    })
  )
  it.effect("one key never runs twice at a time", () =>
    Effect.gen(function* () {
      let inside = 0
      let most = 0
      const actors = yield* system(() =>
        Effect.gen(function* () {
          most = Math.max(most, ++inside)
          yield* Effect.yieldNow
          inside--
          return Next.awaitChange()
        })
      )
      for (let i = 0; i < 50; i++) {
        actors.tell("Thing", "a", "test")
        yield* Effect.yieldNow
      }
      yield* actors.awaitIdle
      assert.strictEqual(most, 1)
    })
  )
})

describe("waiting", () => {
  it.effect("a requeue runs again after its time", () =>
    Effect.gen(function* () {
      const start = yield* now
      const ran: Array<number> = []
      const actors = yield* system(() =>
        Effect.map(now, (t) => {
          ran.push(t)
          return Next.requeueAfter("10 seconds")
        })
      )
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("25 seconds")
      assert.deepStrictEqual(times(start, ran), [0, 10_000, 20_000])
    })
  )
  it.effect("long waits that end about together end at once, and none before its time", () =>
    Effect.gen(function* () {
      const start = yield* now
      const ran: Array<readonly [string, number]> = []
      const actors = yield* system((key) =>
        Effect.map(now, (t) => {
          ran.push([key, t - start])
          return Next.requeueAfter(key === "short" ? "9 seconds" : "1 minute")
        })
      )
      for (const key of ["a", "b", "c", "short"]) {
        actors.tell("Thing", key, "test")
        yield* TestClock.adjust("1 millis")
      }
      yield* TestClock.adjust("61 seconds")
      const again = ran.filter(([, t]) => t > 100)
      // a at 60.000, b and c from 60.001 on; a short one is exact.
      assert.deepStrictEqual(
        again.filter(([key]) => key !== "short"),
        [
          ["a", 60_000],
          ["b", 60_250],
          ["c", 60_250]
        ]
      )
      assert.deepStrictEqual(
        again.find(([key]) => key === "short"),
        ["short", 9_003]
      )
    })
  )
  it.effect("a shorter wait that comes later is not slept over", () =>
    Effect.gen(function* () {
      const start = yield* now
      const ran: Array<readonly [string, number]> = []
      const actors = yield* system((key) =>
        Effect.map(now, (t) => {
          ran.push([key, t - start])
          return t > start
            ? Next.awaitChange()
            : Next.requeueAfter(key === "long" ? "60 seconds" : "1 second")
        })
      )
      actors.tell("Thing", "long", "test")
      yield* Effect.yieldNow
      actors.tell("Thing", "short", "test")
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(
        ran.filter(([, t]) => t > 0),
        [["short", 1000]]
      )
    })
  )
  it.effect("a wake in between runs at once and replaces the wait", () =>
    Effect.gen(function* () {
      const start = yield* now
      const ran: Array<number> = []
      const actors = yield* system(() =>
        Effect.map(now, (t) => {
          ran.push(t)
          return Next.requeueAfter("10 seconds")
        })
      )
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("4 seconds")
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual(times(start, ran), [0, 4000, 14_000])
    })
  )
  it.effect("an actor that stops is forgotten, unless it was woken meanwhile", () =>
    Effect.gen(function* () {
      let runs = 0
      const actors = yield* system(() => counted(() => runs++, Next.stop))
      actors.tell("Thing", "a", "test")
      yield* actors.awaitIdle
      assert.deepStrictEqual(actors.snapshot(), [])
      actors.tell("Thing", "a", "test")
      yield* actors.awaitIdle
      assert.strictEqual(runs, 2)
    })
  )
  it.effect("says what it waits for and until when", () =>
    Effect.gen(function* () {
      const start = yield* now
      const actors = yield* system(() => Effect.succeed(Next.requeueAfter("10 seconds", "better days")))
      actors.tell("Thing", "a", "test")
      yield* actors.awaitIdle
      const [state] = actors.snapshot()
      assert.deepInclude(state, { state: "Waiting", note: "better days", until: start + 10_000 })
    })
  )
})

describe("a failure", () => {
  const failing = (retry: Retry.Retry, attempts: number) => {
    const ran: Array<number> = []
    const behaviour: ActorSystem.Behaviour<Failure, never> = () =>
      Effect.gen(function* () {
        ran.push(yield* now)
        return ran.length > attempts ? Next.awaitChange() : yield* Effect.fail(retry)
      })
    return { ran, behaviour }
  }
  const gaps = (ran: ReadonlyArray<number>) => ran.slice(1).map((t, i) => t - (ran[i] ?? 0))

  /** A generator that always gives the same. */
  const always = (drawn: number) =>
    Effect.provideService(Random.Random, { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => drawn })

  // The whole range of the jitter, its ends included: what is drawn below one, and never one.
  it.effect.each([0, 0.25, 0.5, 0.75, 1 - Number.EPSILON])(
    "backs off, doubling from 100 ms to 5 min with jitter, of which %d is drawn",
    (drawn) =>
      Effect.gen(function* () {
        const { behaviour, ran } = failing(Retry.backOff(), 16)
        const actors = yield* system(behaviour)
        actors.tell("Thing", "a", "test")
        yield* TestClock.adjust("2 hours")
        const seen = gaps(ran)
        assert.strictEqual(seen.length, 16)
        for (const [i, gap] of seen.entries()) {
          const wait = (Math.min(300_000, 100 * 2 ** i) / 2) * (1 + drawn)
          // A long wait ends with others that do at about the same time, never early.
          const late = wait >= 10_000 ? 250 : 1
          assert.isTrue(gap >= wait && gap <= wait + late, `wait ${i} of ${gap} ms, for ${wait}`)
        }
      }).pipe(always(drawn))
  )
  it.effect("at once means once: the second in a row backs off", () =>
    Effect.gen(function* () {
      const { behaviour, ran } = failing(Retry.atOnce(), 2)
      const actors = yield* system(behaviour)
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("1 second")
      const [first, second] = gaps(ran)
      assert.strictEqual(first, 0)
      assert.isTrue((second ?? 0) >= 50)
    })
  )
  it.effect("that is woken by its own doing does not spin", () =>
    Effect.gen(function* () {
      const ran: Array<number> = []
      const actors = yield* system(() =>
        Effect.gen(function* () {
          ran.push(yield* now)
          // What it writes comes back to it as somebody's change.
          actors.tell("Thing", "a", "echo")
          return yield* Effect.fail(Retry.after("3 minutes"))
        })
      )
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("10 seconds")
      // The first ones run at once: somebody may just have put right what failed.
      assert.deepStrictEqual(gaps(ran).slice(0, 3), [0, 0, 1_000])
      assert.strictEqual(ran.length, 13)
    })
  )
  it.effect("is tried again within a second of a wake, however long it would wait", () =>
    Effect.gen(function* () {
      const { behaviour, ran } = failing(Retry.after("3 minutes"), 4)
      const actors = yield* system(behaviour)
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(ran.length, 4)
      const woken = yield* now
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(times(woken, ran.slice(4)), [1_000])
    })
  )
  it.effect("is forgotten on success", () =>
    Effect.gen(function* () {
      let runs = 0
      const actors = yield* system(() =>
        Effect.suspend(() => {
          runs++
          return runs === 4 ? Effect.succeed(Next.awaitChange()) : Effect.fail(Retry.backOff())
        })
      )
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(actors.snapshot()[0]?.failures, 0)
      actors.tell("Thing", "a", "test")
      yield* Effect.yieldNow
      yield* TestClock.adjust(0)
      const until = actors.snapshot()[0]?.until ?? 0
      assert.isTrue(until - (yield* now) <= 100, "the first wait is the shortest again")
    })
  )
  it.effect("waits no shorter than asked", () =>
    Effect.gen(function* () {
      const { behaviour, ran } = failing(Retry.backOff({ atLeast: "7 seconds" }), 1)
      const actors = yield* system(behaviour)
      actors.tell("Thing", "a", "test")
      // Half as long again is left to chance.
      yield* TestClock.adjust("10500 millis")
      const [gap = 0] = gaps(ran)
      assert.isTrue(gap >= 7000 && gap <= 10_500, `${gap} ms`)
    })
  )
  it.effect.each<readonly [string, Retry.Retry, ReadonlyArray<string>]>([
    [
      "one that passes by itself is for those who search",
      Retry.backOff(),
      ["Debug", "Debug", "Debug", "Debug"]
    ],
    ["one that stays is said", Retry.backOff(), [...Array(4).fill("Debug"), "Warn", "Warn"]],
    [
      "one that waits long is said the third time",
      Retry.backOff({ atLeast: "1 second" }),
      ["Debug", "Debug", "Warn"]
    ],
    ["one that only a person can put right is said at once", Retry.after("3 minutes"), ["Warn"]],
    ["a wait that is no trouble never is", Retry.backOff({ isQuiet: true }), Array(6).fill("Debug")]
  ])("in the log: %s", ([, retry, levels]) =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.make(({ logLevel }) => void logged.push(logLevel))
      const { behaviour } = failing(retry, levels.length)
      yield* Effect.gen(function* () {
        const actors = yield* system(behaviour)
        actors.tell("Thing", "a", "test")
        yield* TestClock.adjust("10 minutes")
      }).pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "Debug")
      )
      assert.deepStrictEqual(logged, levels)
    })
  )
  it.effect("the same seed gives the same waits", () =>
    Effect.gen(function* () {
      const once = Effect.gen(function* () {
        const start = yield* now
        const { behaviour, ran } = failing(Retry.backOff(), 5)
        const actors = yield* system(behaviour)
        actors.tell("Thing", "a", "test")
        yield* TestClock.adjust("1 minute")
        return times(start, ran)
      }).pipe(Effect.scoped, Random.withSeed("seed"))
      assert.deepStrictEqual(yield* once, yield* once)
    })
  )
})

describe("a defect", () => {
  it.effect("starts the actor afresh", () =>
    Effect.gen(function* () {
      let runs = 0
      const actors = yield* system(() =>
        Effect.suspend(() => (++runs === 1 ? Effect.die("broken") : Effect.succeed(Next.awaitChange())))
      )
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(runs, 2)
    })
  )
  it.effect("too many within the window escalate", () =>
    Effect.gen(function* () {
      const actors = yield* system(() => Effect.die("broken"))
      const escalated = yield* Effect.forkChild(actors.escalated)
      for (const key of ["a", "b", "c", "d"]) actors.tell("Thing", key, "test")
      const exit = yield* Fiber.await(escalated)
      assert.isTrue(Exit.isFailure(exit))
    })
  )
  it.effect("few over a long time do not", () =>
    Effect.gen(function* () {
      const actors = yield* system(() => Effect.die("broken"), { defects: 3, within: Duration.millis(10) })
      actors.tell("Thing", "a", "test")
      const escalated = yield* Effect.forkChild(actors.escalated)
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(escalated.pollUnsafe())
      assert.isTrue((actors.snapshot()[0]?.failures ?? 0) > 5)
    })
  )
  it.effect("an interruption from inside is one", () =>
    Effect.gen(function* () {
      let runs = 0
      const actors = yield* system(() =>
        Effect.suspend(() => (++runs === 1 ? Effect.interrupt : Effect.succeed(Next.awaitChange())))
      )
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(runs, 2)
    })
  )
})

describe("stopping", () => {
  it.effect("lets an uninterruptible step finish and starts no other", () =>
    Effect.gen(function* () {
      const done: Array<string> = []
      const step = (name: string) =>
        Effect.uninterruptible(
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => done.push(name))
          )
        )
      const actors = yield* system(() =>
        Effect.gen(function* () {
          yield* step("first")
          yield* step("second")
          return Next.awaitChange()
        })
      )
      actors.tell("Thing", "a", "test")
      yield* Effect.yieldNow
      const stopped = yield* Effect.forkChild(actors.stop)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(stopped)
      assert.deepStrictEqual(done, ["first"])
    })
  )
  it.effect("takes no wakes afterwards", () =>
    Effect.gen(function* () {
      let runs = 0
      const actors = yield* system(() => counted(() => runs++, Next.requeueAfter("1 second")))
      actors.tell("Thing", "a", "test")
      yield* actors.awaitIdle
      yield* actors.stop
      actors.tell("Thing", "a", "test")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(runs, 1)
    })
  )
})

describe("many actors", () => {
  it.effect("ten thousand at rest have one fiber among them", () =>
    Effect.gen(function* () {
      let live = 0
      const actors = yield* system(() =>
        Effect.suspend(() => {
          live++
          return Effect.ensuring(
            Effect.succeed(Next.requeueAfter("1 hour")),
            Effect.sync(() => live--)
          )
        })
      )
      for (let i = 0; i < 10_000; i++) actors.tell("Thing", `${i}`, "test")
      yield* actors.awaitIdle
      assert.strictEqual(live, 0)
      const states = actors.snapshot()
      assert.strictEqual(states.length, 10_000)
      assert.isTrue(states.every((s) => s.state === "Waiting"))
    })
  )
})
