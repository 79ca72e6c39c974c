/**
 * What IAM says of one request for authorization, judged by identity-based policies alone.
 * Rule: an explicit deny wins, then an allow, else it is denied; an operator that is not known here throws.
 * Source: "Policy evaluation logic", "IAM JSON policy elements: Condition operators" and "Conditions with multiple
 * context keys or values" (IAM User Guide).
 */
import type { Condition, Policy, Statement } from "./Policy.ts"

export interface AuthorizationRequest {
  /** Such as "ec2:ReleaseAddress". */
  readonly action: string
  /** The ARN, or "*" for an action without resources. */
  readonly resource: string
  /** Condition keys that are in the request; a key that is not there is absent. */
  readonly context: Readonly<Record<string, ReadonlyArray<string>>>
}

/** "*" stands for any characters, "?" for one. */
const isLike = (pattern: string, text: string): boolean => {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(text)
}

/** Each of the six parts by itself; a wildcard does not reach over a colon, but in the last part. */
const isArnLike = (pattern: string, arn: string): boolean => {
  const partsOf = (text: string) => {
    const parts = text.split(":")
    return [...parts.slice(0, 5), parts.slice(5).join(":")]
  }
  const given = partsOf(arn)
  const wanted = partsOf(pattern)
  return wanted.length === given.length && wanted.every((part, i) => isLike(part, given[i] ?? ""))
}

type Matches = (value: string, given: string) => boolean

/** ArnEquals and ArnLike behave identically. */
const operators: Readonly<Record<string, Matches>> = {
  StringEquals: (value, given) => value === given,
  StringLike: isLike,
  ArnEquals: isArnLike,
  ArnLike: isArnLike
}

interface Operator {
  readonly matches: Matches
  readonly isNegated: boolean
  readonly ifExists: boolean
  readonly quantifier: string | undefined
}

const operatorOf = (name: string): Operator => {
  const [, quantifier, negatable = "", ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(name) ?? []
  const positive = negatable.replace(/^(String|Arn)Not(?=Equals|Like)/, "$1")
  const matches = operators[positive]
  if (matches === undefined) throw new Error(`the condition operator ${name} is not known`)
  return { matches, isNegated: positive !== negatable, ifExists: ifExists !== undefined, quantifier }
}

/** Names of condition keys are not case-sensitive. */
const given = (request: AuthorizationRequest, key: string): ReadonlyArray<string> | undefined => {
  const wanted = key.toLowerCase()
  return Object.entries(request.context).find(([name]) => name.toLowerCase() === wanted)?.[1]
}

const holds = ({ key, operator, values }: Condition, request: AuthorizationRequest): boolean => {
  const found = given(request, key)
  if (operator === "Null") return values.includes(String(found === undefined))
  const { ifExists, isNegated, matches, quantifier } = operatorOf(operator)
  const isMet = (one: string) => values.some((value) => matches(value, one)) !== isNegated
  // "ForAllValues ... also returns true if there are no context keys in the request."
  if (quantifier === "ForAllValues") return (found ?? []).every(isMet)
  if (found === undefined) return ifExists || (isNegated && quantifier === undefined)
  return found.some(isMet)
}

export const applies = (statement: Statement, request: AuthorizationRequest): boolean =>
  statement.actions.some((action) => isLike(action.toLowerCase(), request.action.toLowerCase())) &&
  statement.resources.some((resource) => isLike(resource, request.resource)) &&
  statement.conditions.every((condition) => holds(condition, request))

export const isAllowed = (policy: Policy, request: AuthorizationRequest): boolean => {
  const relevant = policy.filter((statement) => applies(statement, request))
  return relevant.length > 0 && relevant.every(({ effect }) => effect === "Allow")
}
