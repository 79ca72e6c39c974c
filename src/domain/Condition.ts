/**
 * Conditions as the Kubernetes API conventions define them.
 * Rule: lastTransitionTime moves only when status flips.
 */
import { Schema } from "effect"
import type { ConditionType } from "./ConditionType.ts"
import type { FailureReason } from "./Reason.ts"
import { word } from "./Shared.ts"

export { ConditionType } from "./ConditionType.ts"
export { type FailureReason, Reason } from "./Reason.ts"

export type ConditionStatus = "True" | "False" | "Unknown"

export const Condition = Schema.Struct({
  type: Schema.String.annotate({ description: "What it is about." }),
  status: Schema.Literals(["True", "False", "Unknown"]).annotate({ description: "Whether it holds." }),
  reason: Schema.String.annotate({ description: "Why, in one CamelCase word." }),
  message: Schema.String.annotate({ description: "Why, for people." }),
  observedGeneration: Schema.optionalKey(
    Schema.Int.annotate({ description: "The generation of the spec it speaks of." })
  ),
  lastTransitionTime: Schema.String.annotate({
    description: "When the status last changed.",
    format: "date-time"
  })
})
export type Condition = typeof Condition.Type

/** A map by type, as the API conventions have it. */
export const Conditions = Schema.Array(Condition).annotate({
  description: "The latest observations of the object's state.",
  mapKeys: ["type"]
})

/** What a plan says of one condition; time and generation are added by `apply`. */
export interface Verdict {
  readonly type: ConditionType
  readonly status: ConditionStatus
  readonly reason: FailureReason | ConditionType
  readonly message: string
}

export const isTrue = (type: ConditionType, message: string): Verdict => ({
  type,
  status: "True",
  reason: type,
  message
})
export const isFalse = (type: ConditionType, reason: FailureReason, message: string): Verdict => ({
  type,
  status: "False",
  reason,
  message
})
export const isUnknown = (type: ConditionType, reason: FailureReason, message: string): Verdict => ({
  type,
  status: "Unknown",
  reason,
  message
})

/**
 * Merges verdicts into the conditions an object has, as a map by type: types not spoken of stay as they are.
 * Of a type that is there twice the first one counts: the API server refuses a map with a key twice.
 * `now` is RFC 3339 with seconds.
 */
export const apply = (
  before: ReadonlyArray<Condition>,
  verdicts: ReadonlyArray<Verdict>,
  at: { readonly now: string; readonly generation: number }
): ReadonlyArray<Condition> => {
  const after = new Map<string, Condition>()
  for (const old of before) if (!after.has(old.type)) after.set(old.type, old)
  for (const v of verdicts) {
    const old = after.get(v.type)
    after.set(v.type, {
      ...v,
      observedGeneration: at.generation,
      lastTransitionTime: old !== undefined && old.status === v.status ? old.lastTransitionTime : at.now
    })
  }
  return [...after.values()]
}

export const find = (conditions: ReadonlyArray<Condition>, type: ConditionType): Condition | undefined =>
  conditions.find((c) => c.type === type)

/** The same conditions in less memory: their words are kept once, and what several of them say too. */
export const compact = <S extends { readonly conditions?: ReadonlyArray<Condition> }>(status: S): S => {
  if (status.conditions === undefined) return status
  const said: Array<string> = []
  const once = (text: string): string => {
    const known = said.find((other) => other === text)
    if (known !== undefined) return known
    said.push(text)
    return text
  }
  const conditions = status.conditions.map((c): Condition => {
    const [type, reason] = [word(c.type), word(c.reason)]
    const [message, lastTransitionTime] = [once(c.message), once(c.lastTransitionTime)]
    const { observedGeneration } = c
    // Written out: an object that fields are added to later takes more room.
    return observedGeneration === undefined
      ? { type, status: c.status, reason, message, lastTransitionTime }
      : { type, status: c.status, reason, message, lastTransitionTime, observedGeneration }
  })
  return { ...status, conditions }
}
