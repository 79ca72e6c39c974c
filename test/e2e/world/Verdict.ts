/**
 * What operators asked of both worlds, held against their permissions.
 * Rule: every call of a suite is judged, not a sample.
 */
import { baseActions, optionalActions } from "../../deploy/iam/Actions.ts"
import type { ApiServer } from "./ApiServer.ts"
import { user } from "./OperatorProcess.ts"
import type { Call } from "./Wire.ts"

const permitted: ReadonlySet<string> = new Set([...baseActions, ...optionalActions])

export const outsideOfPolicy = (calls: ReadonlyArray<Call>): ReadonlyArray<string> => [
  ...new Set(calls.map((c) => c.action).filter((action) => !permitted.has(action)))
]

/** Of the operator's requests, those that the API server answered with an error that nothing explains. */
export const unexplained = (
  apiServer: ApiServer,
  explained: ReadonlyArray<number> = []
): ReadonlyArray<string> => {
  const fine = new Set([
    // Somebody else wrote meanwhile, or it is gone meanwhile: read again.
    409,
    404,
    // A watch that asks for more history than is kept: list again.
    410,
    ...explained
  ])
  return apiServer
    .audit()
    .filter((e) => e.user.username === user)
    .filter(
      ({ responseStatus }) => (responseStatus?.code ?? 0) >= 400 && !fine.has(responseStatus?.code ?? 0)
    )
    .filter(
      (e) => e.responseStatus?.code !== 403 || !apiServer.wasStarting(Date.parse(e.requestReceivedTimestamp))
    )
    .map((e) => `${e.verb} ${e.requestURI}: ${e.responseStatus?.code} ${e.responseStatus?.message ?? ""}`)
}
