/**
 * Who decides what becomes of each call, and what a layer of faults needs of the machine it runs on.
 * Rule: a fault is decided here and carried out in the layers; the program under test knows nothing of either.
 */
import type { Effect } from "effect"
import type { Watcher } from "../Peculiarity.ts"
import type { Call, Hand, Outcome } from "./Outcome.ts"

/** One operator process. Once dead, no call of it ever returns. */
export interface Life {
  readonly number: number
  isDead: boolean
  /** Goes up when all its connections die without a word: those from before are half open. */
  epoch: number
  /** Its open watches. */
  readonly watchers: Set<Watcher>
}

export interface Host {
  /** Undefined: it succeeds or fails by itself. `request` is for those who tell what happened. */
  readonly fate: (life: Life, call: Call, request: unknown) => Outcome | undefined
  readonly crash: (life: Life) => void
  /** What others do, in no time. */
  readonly byHand: (hand: Hand, life: Life) => void
  /** Goes on without the caller, who has given up or is gone. */
  readonly detached: (effect: Effect.Effect<unknown>) => void
  /** A request took effect, or was refused. */
  readonly arrived: () => void
}

/** A fate that all kinds of calls share, as an effect around `send`. */
export interface Carriage<E> {
  readonly host: Host
  readonly life: Life
  /** The failure a client makes of an answer that does not come. */
  readonly unreachable: () => E
}
