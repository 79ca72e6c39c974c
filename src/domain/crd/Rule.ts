/**
 * A rule of validation, said twice: as the predicate that runs here, as the CEL that runs in the API server.
 * Rule: both judge alike; every rule has accepted and refused rows in the table that is tried on both.
 */
import { Schema } from "effect"

export interface Rule<A> {
  /** CEL over `self`, within the cost that the API server allows one expression. */
  readonly cel: string
  /** What the value must be, said so that it reads on after the name of the field: "must be ...". */
  readonly message: string
  /** For what only it is asked, in a few words; absent: always. */
  readonly when?: string
  /** The member that a rule about several of them is reported at. */
  readonly at?: string
  readonly holds: (value: A) => boolean
}

const annotation = "kubestatic/Rule"

/** The rule as a check of a Schema: decoding applies it, and the CRD carries it. */
export const check = <A>(rule: Rule<A>) =>
  Schema.makeFilter<A>(
    (value) =>
      rule.holds(value) || (rule.at === undefined ? rule.message : { path: [rule.at], issue: rule.message }),
    { expected: rule.message, [annotation]: rule }
  )

/** The rule that a check was made of; undefined for the checks that Effect brings along. */
export const ofAnnotations = (annotations: Readonly<Record<string, unknown>>): Rule<never> | undefined =>
  annotations[annotation] as Rule<never> | undefined
