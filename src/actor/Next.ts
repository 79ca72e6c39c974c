/**
 * What a behaviour wants after it has run.
 * Rule: three words, and nothing of why: an actor looks at the world again, whatever wakes it.
 */
import { Duration } from "effect"

export type Next =
  /** Nothing to do until something it reads changes. */
  | { readonly _tag: "AwaitChange"; readonly note: string | undefined }
  /** The same, but look again after this long at the latest. */
  | { readonly _tag: "RequeueAfter"; readonly duration: Duration.Duration; readonly note: string | undefined }
  /** The thing it is about is gone: forget the actor. */
  | { readonly _tag: "Stop" }

/** `note` says to people what is waited for. */
export const awaitChange = (note?: string): Next => ({ _tag: "AwaitChange", note })

export const requeueAfter = (duration: Duration.Input, note?: string): Next => ({
  _tag: "RequeueAfter",
  duration: Duration.fromInputUnsafe(duration),
  note
})

export const stop: Next = { _tag: "Stop" }
