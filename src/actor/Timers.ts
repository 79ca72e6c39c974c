/**
 * Every pending wait of every actor: one heap and one fiber, however many there are.
 * Rule: a wait costs an entry here, never a fiber. Time is monotonic: a wall clock that is set back keeps nobody
 * waiting.
 */
import { type Clock, Duration, Effect, Latch } from "effect"
import { type Entry, Heap } from "./Heap.ts"

export interface Timer<A> extends Entry {
  /** Whom it is for. */
  readonly owner: A
}

export interface Timers<A> {
  /**
   * Fires once, after `millis` at the earliest; a long wait up to a quarter of a second after that. Never before it
   * returns, not even for a wait of nothing: it is at least a millisecond.
   */
  readonly set: (millis: number, owner: A) => Timer<A>
  /** Does nothing to a timer that has fired. */
  readonly cancel: (timer: Timer<A>) => void
  /** Milliseconds until it fires; 0 when it is due. */
  readonly remaining: (timer: Timer<A>) => number
  /** Fires what is due. To be run by exactly one fiber. */
  readonly run: Effect.Effect<never>
}

/**
 * Milliseconds. Of waits that are long their end is not exact: what waits about as long wakes the process once, and not
 * once for each.
 */
const long = 10_000
const grain = 250

/** When a wait that begins now is over: on a whole millisecond, or a whole grain. */
const endOf = (now: number, millis: number): number => {
  const end = now + Math.max(1, Math.ceil(millis))
  return millis < long ? end : Math.ceil(end / grain) * grain
}

/** @param fire synchronous and total; called from the fiber that runs `run` */
export const make = <A>(clock: Clock.Clock, fire: (owner: A) => void): Timers<A> => {
  const heap = new Heap<Timer<A>>()
  const isEarlier = Latch.makeUnsafe(false)

  // Whole milliseconds, as sleeping has them: of a rest below one, nothing would remain to be slept.
  const now = (): number => Number((clock.monotonicTimeNanosUnsafe() + 500_000n) / 1_000_000n)

  const fireDue = (): void => {
    const due = now()
    for (let timer = heap.first; timer !== undefined && timer.at <= due; timer = heap.first) {
      heap.remove(timer)
      fire(timer.owner)
    }
  }

  const turn = Effect.suspend(() => {
    // Closed before the heap is looked at: a timer set from here on opens it, and is not slept over.
    isEarlier.closeUnsafe()
    fireDue()
    const next = heap.first
    if (next === undefined) return isEarlier.await
    const sleep = clock.sleep(Duration.millis(Math.max(1, next.at - now())))
    return Effect.raceFirst(sleep, isEarlier.await)
  })

  return {
    set: (millis, owner) => {
      const timer: Timer<A> = { at: endOf(now(), millis), place: -1, owner }
      heap.add(timer)
      if (heap.first === timer) isEarlier.openUnsafe()
      return timer
    },
    cancel: (timer) => heap.remove(timer),
    remaining: (timer) => Math.max(0, timer.at - now()),
    run: Effect.forever(turn)
  }
}
