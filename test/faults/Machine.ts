/**
 * A machine of its own for one run: its fibers and its time, on one thread, without the event loop.
 * Rule: everything runnable runs before time moves, in the order in which it became runnable: a run is a function of
 * its inputs.
 */
import {
  Clock,
  Context,
  Duration,
  Effect,
  type Exit,
  type Fiber,
  Random,
  References,
  Scheduler
} from "effect"
import { Heap } from "../../src/actor/Heap.ts"
import { clockOf, epoch } from "../../src/simulation/Clocks.ts"
import * as Draw from "../Draw.ts"

interface Sleeper {
  /** Milliseconds since world time began, and a millionth for each earlier sleeper, so that no two are equal. */
  readonly at: number
  place: number
  readonly wake: () => void
}

export interface Machine {
  /** Milliseconds. */
  readonly now: () => number
  /** Runs everything that is runnable now. */
  readonly settle: () => void
  /** Runs what is runnable and moves time, up to that much; stops early where `until` says so. */
  readonly pass: (millis: number, until?: () => boolean) => void
  readonly start: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** Runs an effect to its end; dies when it waits for what does not come within that many milliseconds. */
  readonly run: <A, E>(effect: Effect.Effect<A, E>, millis?: number) => Exit.Exit<A, E>
  /** Something on its way that may overtake, or be overtaken: delivered when it is chosen, before time moves. */
  readonly post: (deliver: () => void) => void
  /** Runs an effect that waits for nothing, and nothing else. */
  readonly atOnce: <A, E>(effect: Effect.Effect<A, E>) => Exit.Exit<A, E>
  /** When the next sleeper wakes; undefined: nobody sleeps. */
  readonly next: () => number | undefined
  readonly services: Context.Context<never>
}

/** So many operations of a fiber, then others go on (that of Effect's own scheduler). */
const opsPerTurn = 2048

/** A turn that never ends is a defect of the program: told, instead of hanging. */
const mostTurns = 1_000_000

/** Milliseconds that a delivery takes. */
const perDelivery = 5

/** @param choose of so many that are on their way, oldest first, which comes next */
export const make = (choose: (count: number) => number = () => 0): Machine => {
  /** Since world time began: small enough for fractions to count. */
  let elapsed = 0
  let order = 0
  const chance = Draw.generator(1)
  const runnable: Array<() => void> = []
  const sleepers = new Heap<Sleeper>()
  const underWay: Array<() => void> = []
  /** In the order in which they became runnable, whatever their priority: nothing here is in a hurry. */
  const dispatcher: Scheduler.SchedulerDispatcher = {
    scheduleTask: (task) => {
      runnable.push(task)
    },
    flush: () => undefined
  }
  const scheduler: Scheduler.Scheduler = {
    executionMode: "async",
    shouldYield: (fiber) => fiber.currentOpCount >= opsPerTurn,
    makeDispatcher: () => dispatcher
  }
  const millis = () => epoch + elapsed
  const clock = clockOf(millis, (duration) =>
    Effect.callback((resume) => {
      const length = Duration.toMillis(duration)
      // For ever: no sleeper.
      if (!Number.isFinite(length)) return
      order += 1
      const sleeper: Sleeper = {
        at: elapsed + Math.max(0, Math.round(length)) + order * 1e-6,
        place: -1,
        wake: () => resume(Effect.void)
      }
      sleepers.add(sleeper)
      return Effect.sync(() => sleepers.remove(sleeper))
    })
  )
  const services = Context.make(Scheduler.Scheduler, scheduler).pipe(
    Context.add(References.MinimumLogLevel, "None"),
    Context.add(References.TracerEnabled, false),
    Context.add(Random.Random, {
      nextIntUnsafe: () => Math.floor(chance() * 2 ** 32),
      nextDoubleUnsafe: chance
    }),
    Context.add(Clock.Clock, clock)
  )

  const settle = (): void => {
    let turns = 0
    // By index: what runs makes more runnable, and shifting would move it all each time.
    for (let n = 0; n < runnable.length; n++) {
      runnable[n]?.()
      turns += 1
      if (turns > mostTurns) throw new Error("it never comes to rest")
    }
    runnable.length = 0
  }
  const pass = (length: number, until: () => boolean = () => false): void => {
    const end = elapsed + length
    for (;;) {
      settle()
      if (until()) return
      if (underWay.length > 0 && elapsed + perDelivery <= end) {
        const [deliver] = underWay.splice(choose(underWay.length), 1)
        elapsed += perDelivery
        deliver?.()
        continue
      }
      const next = sleepers.first
      if (next === undefined || Math.floor(next.at) > end) break
      sleepers.remove(next)
      elapsed = Math.max(elapsed, Math.floor(next.at))
      next.wake()
    }
    elapsed = end
  }
  const start = <A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> =>
    Effect.runForkWith(services)(effect, { scheduler })
  return {
    now: millis,
    settle,
    pass,
    start,
    run: (effect, length = 600_000) => {
      const fiber = start(effect)
      pass(length, () => fiber.pollUnsafe() !== undefined)
      const exit = fiber.pollUnsafe()
      if (exit === undefined) throw new Error("it waits for what does not come")
      return exit
    },
    post: (deliver) => {
      underWay.push(deliver)
    },
    atOnce: (effect) => Effect.runSyncExitWith(services)(effect),
    next: () => (sleepers.first === undefined ? undefined : epoch + Math.floor(sleepers.first.at)),
    services
  }
}
