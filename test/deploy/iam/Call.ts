/**
 * One call to EC2 as it goes over the wire: an action and the flat parameters of EC2's query protocol.
 * Rule: calls recorded from a simulated world and calls seen by an endpoint have the same form.
 * Source: the query serialization of the EC2 API ("ec2Query": lists are numbered from 1, without "member").
 */
import type { Tags } from "../../../src/domain/Names.ts"
import type { RulesRequest } from "../../../src/ec2/Ec2.ts"
import type { Account } from "./Account.ts"

export type Parameters = Readonly<Record<string, string>>

export interface Call {
  /** Such as "ReleaseAddress". */
  readonly action: string
  readonly parameters: Parameters
}

/** A call, and what EC2 knew when it came. */
export interface Recorded extends Call {
  readonly account: Account
}

/**
 * Calls seen by an endpoint: the body of each request, form-decoded, `Action` and `Version` among the parameters or
 * not. `accountOf` says what EC2 knew when the n-th came.
 */
export const fromWire = (
  calls: ReadonlyArray<Call>,
  accountOf: (index: number) => Account
): ReadonlyArray<Recorded> => calls.map((call, index) => ({ ...call, account: accountOf(index) }))

/** The values of a numbered list such as `ResourceId.1`, `ResourceId.2`. */
export const listOf = (parameters: Parameters, name: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let n = 1; parameters[`${name}.${n}`] !== undefined; n++) found.push(parameters[`${name}.${n}`] ?? "")
  return found
}

/** Tags under a prefix such as `Tag` or `TagSpecification.1.Tag`. */
export const tagsOf = (parameters: Parameters, prefix: string): Tags => {
  const tags: Record<string, string> = {}
  for (let n = 1; parameters[`${prefix}.${n}.Key`] !== undefined; n++) {
    tags[parameters[`${prefix}.${n}.Key`] ?? ""] = parameters[`${prefix}.${n}.Value`] ?? ""
  }
  return tags
}

const numbered = (name: string, values: ReadonlyArray<string>): Parameters =>
  Object.fromEntries(values.map((value, i) => [`${name}.${i + 1}`, value]))

const tagged = (prefix: string, tags: Tags): Parameters =>
  Object.fromEntries(
    Object.entries(tags).flatMap(([key, value], i) => [
      [`${prefix}.${i + 1}.Key`, key],
      [`${prefix}.${i + 1}.Value`, value]
    ])
  )

const specified = (resourceType: string, tags: Tags): Parameters =>
  Object.keys(tags).length === 0
    ? {}
    : { "TagSpecification.1.ResourceType": resourceType, ...tagged("TagSpecification.1.Tag", tags) }

interface Requests {
  readonly allocationId: string
  readonly networkInterfaceId: string
  readonly associationId: string
  readonly groupId: string
  readonly name: string
  readonly description: string
  readonly vpcId: string
  readonly tags: Tags
  readonly groupIds: ReadonlyArray<string>
  readonly resourceIds: ReadonlyArray<string>
  readonly permissions: RulesRequest["permissions"]
}

/** Of describes nothing is kept: they have no resources, and no condition looks at their filters. */
const parameters: Readonly<Record<string, (request: Requests) => Parameters>> = {
  AllocateAddress: (r) => ({ Domain: "vpc", ...specified("elastic-ip", r.tags) }),
  AssociateAddress: (r) => ({
    AllocationId: r.allocationId,
    NetworkInterfaceId: r.networkInterfaceId,
    AllowReassociation: "false"
  }),
  DisassociateAddress: (r) => ({ AssociationId: r.associationId }),
  ReleaseAddress: (r) => ({ AllocationId: r.allocationId }),
  CreateSecurityGroup: (r) => ({
    GroupName: r.name,
    GroupDescription: r.description,
    VpcId: r.vpcId,
    ...specified("security-group", r.tags)
  }),
  DeleteSecurityGroup: (r) => ({ GroupId: r.groupId }),
  ModifyNetworkInterfaceAttribute: (r) => ({
    NetworkInterfaceId: r.networkInterfaceId,
    ...numbered("SecurityGroupId", r.groupIds)
  }),
  CreateTags: (r) => ({ ...numbered("ResourceId", r.resourceIds), ...tagged("Tag", r.tags) })
}

/** A call of the Ec2 service, by the action it sends and the request it was given. */
export const fromService = (action: string, request: unknown): Call => {
  if (action.startsWith("Describe")) return { action, parameters: {} }
  const known = parameters[action] ?? ((r: Requests): Parameters => ({ GroupId: r.groupId }))
  return { action, parameters: known(request as Requests) }
}
