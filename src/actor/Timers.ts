/**
 * Every pending wait of every actor: one heap and one fiber, however many there are.
 * Rule: a waiting actor costs an entry here, never a fiber; a cancelled entry is passed over when its time comes.
 */
import { Clock, Duration, Effect, Latch, type Scope } from "effect"

export interface Timer {
  /** Epoch milliseconds. */
  readonly at: number
  /** Cleared on cancellation, so that a cancelled entry holds on to nothing. */
  fire: (() => void) | undefined
}

export interface Timers {
  /** Calls `fire` at `at` (epoch milliseconds), from the timers' own fiber. */
  readonly set: (at: number, fire: () => void) => Timer
  readonly cancel: (timer: Timer) => void
}

/** Earliest first; of equal ones, the order in which they were set does not matter to anybody. */
class Heap {
  private readonly entries: Array<Timer> = []

  get first(): Timer | undefined {
    return this.entries[0]
  }

  get size(): number {
    return this.entries.length
  }

  push(timer: Timer): void {
    const { entries } = this
    let i = entries.push(timer) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = entries[parent]
      if (above === undefined || above.at <= timer.at) break
      entries[i] = above
      i = parent
    }
    entries[i] = timer
  }

  pop(): Timer | undefined {
    const { entries } = this
    const first = entries[0]
    const last = entries.pop()
    if (last === undefined || entries.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      const left = entries[child]
      if (left === undefined) break
      const right = entries[child + 1]
      if (right !== undefined && right.at < left.at) child += 1
      const least = entries[child]
      if (least === undefined || least.at >= last.at) break
      entries[i] = least
      i = child
    }
    entries[i] = last
    return first
  }

  /** Drops cancelled entries once they are the most of what is held. */
  compact(): void {
    const live = this.entries.filter((t) => t.fire !== undefined)
    this.entries.length = 0
    for (const timer of live) this.push(timer)
  }
}

export const make: Effect.Effect<Timers, never, Scope.Scope> = Effect.gen(function* () {
  const heap = new Heap()
  const earlier = yield* Latch.make(false)
  let cancelled = 0

  const next = (): Timer | undefined => {
    while (heap.first !== undefined && heap.first.fire === undefined) {
      heap.pop()
      cancelled = Math.max(0, cancelled - 1)
    }
    return heap.first
  }

  yield* Effect.gen(function* () {
    const timer = next()
    if (timer === undefined) return yield* earlier.await
    const now = yield* Clock.currentTimeMillis
    if (timer.at > now) {
      return yield* Effect.raceFirst(Effect.sleep(Duration.millis(timer.at - now)), earlier.await)
    }
    heap.pop()
    timer.fire?.()
  }).pipe(
    // Closed before the heap is looked at, so that a timer set meanwhile is never slept over.
    (turn) => Effect.andThen(earlier.close, turn),
    Effect.forever,
    Effect.forkScoped({ startImmediately: true })
  )

  return {
    set: (at, fire) => {
      const timer: Timer = { at, fire }
      heap.push(timer)
      if (heap.first === timer) earlier.openUnsafe()
      return timer
    },
    cancel: (timer) => {
      if (timer.fire === undefined) return
      timer.fire = undefined
      cancelled += 1
      if (cancelled > 64 && cancelled > heap.size / 2) {
        heap.compact()
        cancelled = 0
      }
    }
  }
})
