/**
 * Waiting for what another process does.
 * Rule: a wait ends when it came true; the deadline is there to end a test that hangs, with what was last seen.
 */
import { Clock, Duration, Effect, Schema } from "effect"

export class NeverCame extends Schema.TaggedError<NeverCame>()("NeverCame", {
  message: Schema.String
}) {}

/** `Missing` says why it is not so yet. */
export type Look<A> =
  | { readonly _tag: "There"; readonly value: A }
  | { readonly _tag: "Missing"; readonly why: string }

export const there = <A>(value: A): Look<A> => ({ _tag: "There", value })
export const missing = (why: string): Look<never> => ({ _tag: "Missing", why })

export interface Options {
  /** Long enough for the slowest machine that is doing other things beside. */
  readonly within?: Duration.Input
}

/** Milliseconds: a look takes a good part of a processor, so what takes long is looked at less often. */
const pause = (waited: number): number => Math.min(1_000, Math.max(50, waited / 8))

export const eventually = <A, E, R>(
  what: string,
  look: Effect.Effect<Look<A>, E, R>,
  { within = "60 seconds" }: Options = {}
): Effect.Effect<A, NeverCame | E, R> =>
  Effect.gen(function* () {
    const patience = Duration.toMillis(Duration.fromInputUnsafe(within))
    const began = yield* Clock.currentTimeMillis
    for (;;) {
      const seen = yield* look
      if (seen._tag === "There") return seen.value
      const waited = (yield* Clock.currentTimeMillis) - began
      if (waited > patience) {
        return yield* new NeverCame({ message: `${what}: not within ${patience / 1000} s: ${seen.why}` })
      }
      yield* Effect.sleep(pause(waited))
    }
  })

/** For a list of what is not as it should be: there when it is empty. */
export const settled = <E, R>(
  what: string,
  differences: Effect.Effect<ReadonlyArray<string>, E, R>,
  options?: Options
): Effect.Effect<void, NeverCame | E, R> =>
  eventually(
    what,
    Effect.map(differences, (found) => (found.length === 0 ? there(undefined) : missing(found.join("\n  ")))),
    options
  )
