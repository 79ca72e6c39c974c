/**
 * Which actor the running code belongs to.
 * Rule: set by the system for every run of a behaviour; undefined everywhere else.
 */
import { Context } from "effect"

export interface ActorName {
  readonly kind: string
  readonly key: string
}

export const CurrentActor = Context.Reference<ActorName | undefined>("kubestatic/actor/CurrentActor", {
  defaultValue: () => undefined
})
