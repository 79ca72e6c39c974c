/**
 * What operators asked of both worlds, held against their permissions.
 * Rule: every call of a suite is judged, not a sample.
 */
import type { ApiServer } from "./ApiServer.ts"
import { user } from "./OperatorProcess.ts"
import type { Call } from "./Wire.ts"

/** The whole EC2 policy it is promised to work with. */
export const policy: ReadonlySet<string> = new Set([
  "DescribeSecurityGroups",
  "CreateSecurityGroup",
  "DeleteSecurityGroup",
  "AuthorizeSecurityGroupIngress",
  "RevokeSecurityGroupIngress",
  "AuthorizeSecurityGroupEgress",
  "RevokeSecurityGroupEgress",
  "DescribeAddresses",
  "AllocateAddress",
  "ReleaseAddress",
  "AssociateAddress",
  "DisassociateAddress",
  "DescribeInstances",
  "ModifyInstanceAttribute",
  "DescribeNetworkInterfaces",
  "ModifyNetworkInterfaceAttribute",
  "CreateTags"
])

/** Used where it is permitted, and done without where it is not. */
const optional = new Set([
  "UpdateSecurityGroupRuleDescriptionsIngress",
  "UpdateSecurityGroupRuleDescriptionsEgress"
])

export const outsideOfPolicy = (calls: ReadonlyArray<Call>): ReadonlyArray<string> => [
  ...new Set(calls.map((c) => c.action).filter((action) => !policy.has(action) && !optional.has(action)))
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
