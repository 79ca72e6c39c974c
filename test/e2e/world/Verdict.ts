/**
 * What operators asked of both worlds, held against their permissions.
 * Rule: every call of a suite is judged, not a sample.
 */
import * as Actions from "../../deploy/iam/Actions.ts"
import type { ApiServer } from "./ApiServer.ts"
import * as Explanation from "./Explanation.ts"
import { user } from "./OperatorProcess.ts"
import type { Call } from "./Wire.ts"

const allowed = new Set(
  [...Actions.base, ...Actions.optional].filter((a) => !Actions.neverCalled.includes(a))
)

export const outsideOfPolicy = (calls: ReadonlyArray<Call>): ReadonlyArray<string> => [
  ...new Set(calls.map((c) => c.action).filter((action) => !allowed.has(action)))
]

export interface Judged {
  /** How many requests the operator made. */
  readonly requests: number
  /** Refusals that need no mending, counted by what explains them. */
  readonly explained: Readonly<Record<string, number>>
  /** The others, in words. */
  readonly unexplained: ReadonlyArray<string>
}

/** Of the operator's requests, those that the API server answered with an error. */
export const judge = (
  o: { readonly apiServer: ApiServer; readonly lives: ReadonlyArray<Explanation.Life> },
  /** Status codes that the suite itself provokes. */
  provoked: ReadonlyArray<number> = []
): Judged => {
  const audit = o.apiServer.audit()
  const explanationOf = Explanation.make({ audit, lives: o.lives })
  const own = audit.filter((e) => e.user.username === user)
  const explained: Record<string, number> = {}
  const unexplained: Array<string> = []
  for (const e of own) {
    const code = e.responseStatus?.code ?? 0
    if (code < 400) continue
    const isStarting = code === 403 && o.apiServer.wasStarting(Date.parse(e.requestReceivedTimestamp))
    const why =
      explanationOf(e) ??
      (isStarting ? "the API server had not read its roles yet" : undefined) ??
      (provoked.includes(code) ? "provoked" : undefined)
    if (why === undefined) {
      unexplained.push(`${e.verb} ${e.requestURI}: ${code} ${e.responseStatus?.message ?? ""}`)
    } else {
      const what = `${code} ${why}`
      explained[what] = (explained[what] ?? 0) + 1
    }
  }
  return { requests: own.length, explained, unexplained }
}
