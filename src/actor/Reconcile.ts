/**
 * The loop of every behaviour: observe, decide, perform one step, and again until there is nothing left to do.
 * Rule: decisions are pure and see the newest state; a step is the only thing that touches a world, and between
 * two steps the loop can be interrupted.
 */
import { Effect, Formatter } from "effect"
import type { Next } from "./Next.ts"

export type Decision<Step> =
  | { readonly _tag: "Perform"; readonly step: Step }
  | { readonly _tag: "Settled"; readonly next: Next }

export interface Options<O, Step, E, R> {
  /** From memory. */
  readonly observe: Effect.Effect<O, E, R>
  /** Pure and total. */
  readonly decide: (observed: O) => Decision<Step>
  /** One call; its reply is in memory before the next `observe`. */
  readonly perform: (step: Step, observed: O) => Effect.Effect<void, E, R>
  /** Says a failure where people look, before it goes on to the kernel; if saying it fails, that goes on instead. */
  readonly onFailure?: (error: E, step: Step, observed: O) => Effect.Effect<void, E, R>
  /** More steps than this in one run is a plan that does not settle: a defect. */
  readonly maxSteps?: number
}

const describe = (step: unknown): string =>
  typeof step === "object" && step !== null && "_tag" in step ? String(step._tag) : Formatter.format(step)

/** How many of the last steps are named when it does not settle: enough to show a circle. */
const named = 6

export const reconcile = Effect.fnUntraced(function* <O, Step, E, R>({
  observe,
  decide,
  perform,
  onFailure,
  maxSteps = 64
}: Options<O, Step, E, R>): Effect.fn.Return<Next, E, R> {
  const last: Array<Step> = []
  for (let steps = 0; ; steps++) {
    const observed = yield* observe
    const decision = decide(observed)
    if (decision._tag === "Settled") return decision.next
    const { step } = decision
    last.push(step)
    if (last.length > named) last.shift()
    if (steps === maxSteps) {
      const names = last.map(describe).join(", ")
      return yield* Effect.die(new Error(`does not settle within ${maxSteps} steps; the last ones: ${names}`))
    }
    const performed = perform(step, observed)
    yield* onFailure === undefined
      ? performed
      : Effect.tapError(performed, (error) => onFailure(error, step, observed))
    // Others go on, and whoever wants this to end is heard: also between steps that never wait.
    yield* Effect.yieldNow
  }
})
