/**
 * One request under its fate: sent or not, once or twice, late or without an answer.
 * Rule: whatever becomes of it, the world sees it as it would see a real one; a caller that died hears nothing.
 */
import { Effect } from "effect"
import type { Carriage } from "./Host.ts"
import { lateMillis, type Outcome, orphanedMillis, patienceMillis } from "./Outcome.ts"

type Send<A, E> = Effect.Effect<A, E>

const later = <A, E>(send: Send<A, E>, millis: number): Effect.Effect<unknown> =>
  Effect.andThen(Effect.sleep(millis), Effect.exit(send))

/** `refuse`: what an outcome that is not about the way itself turns into. */
export const carry = <A, E>(
  { host, life, unreachable }: Carriage<E>,
  outcome: Outcome | undefined,
  send: Send<A, E>,
  refuse: (outcome: Outcome) => E
): Send<A, E> => {
  const { epoch } = life
  const arriving = Effect.ensuring(send, Effect.sync(host.arrived))
  /** Only of a process that lives, and whose connections do. */
  const heard = Effect.flatMap(Effect.exit(arriving), (exit): Send<A, E> => {
    if (life.isDead) return Effect.never
    return life.epoch === epoch ? exit : silence
  })
  const silence: Send<A, E> = Effect.andThen(
    Effect.sleep(patienceMillis),
    Effect.suspend(() => Effect.fail(unreachable()))
  )
  const crash: Send<A, E> = Effect.suspend(() => {
    host.crash(life)
    return Effect.never
  })
  switch (outcome) {
    case undefined:
      return heard
    case "crash before":
      return crash
    case "crash after":
      return Effect.andThen(Effect.exit(arriving), crash)
    case "no answer":
      return silence
    case "lost answer":
      return Effect.andThen(Effect.exit(arriving), silence)
    case "twice":
      return Effect.tap(heard, () => Effect.sync(() => host.detached(Effect.exit(arriving))))
    case "late":
      return Effect.suspend(() => {
        host.detached(later(arriving, lateMillis))
        return silence
      })
    case "orphaned":
      return Effect.suspend(() => {
        host.detached(later(arriving, orphanedMillis))
        return crash
      })
    case "InternalError, yet done":
    case "504, yet done":
      return Effect.andThen(
        Effect.exit(arriving),
        Effect.suspend(() => Effect.fail(refuse(outcome)))
      )
    default:
      return Effect.suspend(() => Effect.fail(refuse(outcome)))
  }
}
