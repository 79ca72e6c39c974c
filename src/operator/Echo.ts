/**
 * Which changes that a watch brings are echoes of our own writes.
 * Rule: what comes of an object while one of us writes it is taken for that writer's own at once, most likely it is;
 * where the reply shows that it was not, or no reply comes, it is told again as anybody's. Without this an actor is
 * woken by what it writes, and one that can only wait writes without end.
 */
import { Effect } from "effect"
import type { ActorRef } from "./Kinds.ts"

interface UnderWay<C> {
  readonly by: ActorRef | undefined
  /** The last change meanwhile. */
  seen: C | undefined
}

export interface Echo<C> {
  /** Whose write of that object is under way, if anybody's; the change is remembered with it. */
  readonly writerOf: (key: string, change: C) => ActorRef | undefined
  /** `settled`: runs with the last change that the write's outcome does not explain, if there is one. */
  readonly during: <A, E, R>(
    key: string,
    by: ActorRef | undefined,
    write: Effect.Effect<A, E, R>,
    isEcho: (change: C, outcome: A) => boolean,
    unexplained: (change: C) => void
  ) => Effect.Effect<A, E, R>
}

export const make = <C>(): Echo<C> => {
  const all = new Map<string, UnderWay<C>>()
  return {
    writerOf: (key, change) => {
      const underWay = all.get(key)
      if (underWay === undefined) return undefined
      underWay.seen = change
      return underWay.by
    },
    during: (key, by, write, isEcho, unexplained) =>
      Effect.suspend(() => {
        const underWay: UnderWay<C> = { by, seen: undefined }
        all.set(key, underWay)
        return Effect.onExit(write, (exit) =>
          Effect.sync(() => {
            if (all.get(key) === underWay) all.delete(key)
            const { seen } = underWay
            if (seen === undefined) return
            if (exit._tag === "Failure" || !isEcho(seen, exit.value)) unexplained(seen)
          })
        )
      })
  }
}
