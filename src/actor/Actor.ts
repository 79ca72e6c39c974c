/**
 * An actor at rest: its mailbox, its failures, what it waits for. All that is kept of it between two runs.
 * Rule: small: there are as many as objects, and nearly all of them are idle.
 */
import type { Timer } from "./Timers.ts"

export interface Actor<Kind extends string> {
  readonly kind: Kind
  readonly key: string
  /** The mailbox: one slot, so that many wakes are one. */
  isWoken: boolean
  /** Of the latest wake: for the span of the next run, never for a branch. */
  why: string
  /** A fiber lives for it. */
  isRunning: boolean
  /** In a row. */
  failures: number
  timer: Timer<Actor<Kind>> | undefined
  /** How many changes there had been when it was glanced at last; undefined: never, or nobody counts them. */
  glancedAt: number | undefined
  /** Milliseconds that it was found to have to wait then. */
  restMillis: number
  /** What it waits for, in a few words. */
  note: string | undefined
}

/** Every actor there is. */
export interface Registry<Kind extends string> {
  /** Brings it into being if need be. */
  readonly get: (kind: Kind, key: string) => Actor<Kind>
  readonly forget: (actor: Actor<Kind>) => void
  readonly all: () => ReadonlyArray<Actor<Kind>>
}

export const makeRegistry = <Kind extends string>(): Registry<Kind> => {
  const actors = new Map<Kind, Map<string, Actor<Kind>>>()
  return {
    get: (kind, key) => {
      const ofKind = actors.get(kind) ?? new Map<string, Actor<Kind>>()
      actors.set(kind, ofKind)
      const known = ofKind.get(key)
      if (known !== undefined) return known
      const fresh: Actor<Kind> = {
        kind,
        key,
        isWoken: false,
        why: "",
        isRunning: false,
        failures: 0,
        timer: undefined,
        glancedAt: undefined,
        restMillis: 0,
        note: undefined
      }
      ofKind.set(key, fresh)
      return fresh
    },
    forget: (actor) => {
      actors.get(actor.kind)?.delete(actor.key)
    },
    all: () => [...actors.values()].flatMap((ofKind) => [...ofKind.values()])
  }
}
