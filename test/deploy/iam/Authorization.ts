/**
 * What EC2 asks IAM before it does what a call asks for: one request per resource, each of which must be allowed.
 * Rule: a resource is asked for when the call names it, or when EC2 finds it behind an id that the call names; every
 * condition key is one that the reference lists for that action and resource.
 * Source: "Actions, resources, and condition keys for Amazon EC2" (Service Authorization Reference), the tables of
 * actions and of resource types; "Amazon EC2: Allows managing EC2 security groups with a specific tag" (IAM User Guide);
 * "Grant permission to tag Amazon EC2 resources during creation" (EC2 User Guide).
 */
import type { Tags } from "../../../src/domain/Names.ts"
import type { Account } from "./Account.ts"
import { type Call, listOf, type Parameters, type Recorded, tagsOf } from "./Call.ts"
import type { AuthorizationRequest } from "./Evaluator.ts"
import type { Place } from "./Policy.ts"

type Context = AuthorizationRequest["context"]
type Where = Pick<Place, "partition" | "region" | "accountId">

const prefixed = (prefix: string, tags: Tags): Context =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, [value]]))

/** Of a resource that is there: aws:ResourceTag and ec2:ResourceTag are the same. */
const resourceTags = (tags: Tags): Context => ({
  ...prefixed("aws:ResourceTag", tags),
  ...prefixed("ec2:ResourceTag", tags)
})

/** Of a request that brings tags. */
const requestTags = (tags: Tags): Context => ({
  ...prefixed("aws:RequestTag", tags),
  ...(Object.keys(tags).length === 0 ? {} : { "aws:TagKeys": Object.keys(tags) })
})

interface Asked {
  readonly resource: string
  readonly context: Context
}

const asks = (where: Where, account: Account) => {
  const arn = (type: string, id: string) =>
    `arn:${where.partition}:ec2:${where.region}:${where.accountId}:${type}/${id}`
  /** ec2:Vpc is an ARN; ec2:VpcID is the id alone. */
  const inVpc = (vpcId: string): Context => ({ "ec2:Vpc": [arn("vpc", vpcId)] })

  // EC2 looks a resource up before it asks: one that is not there has no tags and is in no VPC.
  const address = (id: string): Asked => {
    const known = account.addresses.find((a) => a.allocationId === id)
    const context = { ...resourceTags(known?.tags ?? {}), "ec2:AllocationId": [id], "ec2:Domain": ["vpc"] }
    return { resource: arn("elastic-ip", id), context }
  }
  const group = (id: string): Asked => {
    const known = account.groups.find((g) => g.groupId === id)
    const context = known === undefined ? {} : { ...resourceTags(known.tags), ...inVpc(known.vpcId) }
    return { resource: arn("security-group", id), context: { ...context, "ec2:SecurityGroupID": [id] } }
  }
  const networkInterface = (id: string): Asked => {
    const known = account.interfaces.find((i) => i.networkInterfaceId === id)
    const context = known === undefined ? {} : { ...resourceTags(known.tags), ...inVpc(known.vpcId) }
    return { resource: arn("network-interface", id), context: { ...context, "ec2:NetworkInterfaceID": [id] } }
  }
  const vpc = (id: string): Asked => ({ resource: arn("vpc", id), context: { "ec2:VpcID": [id] } })
  /** What is only being made has no id. */
  const fresh = (type: string, context: Context): Asked => ({ resource: arn(type, "*"), context })
  const named = (id: string): Asked =>
    id.startsWith("eipalloc-") ? address(id) : id.startsWith("sg-") ? group(id) : networkInterface(id)

  return { address, group, networkInterface, vpc, fresh, named }
}

interface Authorization {
  readonly action: string
  readonly asked: ReadonlyArray<Asked>
}

const made = (
  action: string,
  type: string,
  tags: Tags,
  others: ReadonlyArray<Asked>,
  fresh: Asks["fresh"]
) => {
  const create: Authorization = { action, asked: [fresh(type, requestTags(tags)), ...others] }
  // Tags in the same call need CreateTags too, with ec2:CreateAction saying what they come with.
  const context = { ...requestTags(tags), "ec2:CreateAction": [action] }
  return Object.keys(tags).length === 0
    ? [create]
    : [create, { action: "CreateTags", asked: [fresh(type, context)] }]
}

type Asks = ReturnType<typeof asks>

const specifiedTags = (parameters: Parameters): Tags => tagsOf(parameters, "TagSpecification.1.Tag")

const authorizationsOf = (
  { action, parameters: p }: Call,
  account: Account,
  a: Asks
): ReadonlyArray<Authorization> => {
  const only = (...asked: ReadonlyArray<Asked>): ReadonlyArray<Authorization> => [{ action, asked }]
  const parameter = (name: string) => p[name] ?? ""
  switch (action) {
    case "AllocateAddress":
      return made(action, "elastic-ip", specifiedTags(p), [], a.fresh)
    case "CreateSecurityGroup":
      return made(action, "security-group", specifiedTags(p), [a.vpc(parameter("VpcId"))], a.fresh)
    case "AssociateAddress":
      return only(a.address(parameter("AllocationId")), a.networkInterface(parameter("NetworkInterfaceId")))
    case "DisassociateAddress": {
      const address = account.addresses.find((x) => x.associationId === p.AssociationId)
      if (address === undefined) return []
      return only(a.address(address.allocationId), a.networkInterface(address.networkInterfaceId ?? ""))
    }
    case "ReleaseAddress":
      return only(a.address(parameter("AllocationId")))
    case "ModifyNetworkInterfaceAttribute":
      return only(
        a.networkInterface(parameter("NetworkInterfaceId")),
        ...listOf(p, "SecurityGroupId").map(a.group)
      )
    case "DeleteSecurityGroup":
    case "AuthorizeSecurityGroupIngress":
    case "AuthorizeSecurityGroupEgress":
    case "RevokeSecurityGroupIngress":
    case "RevokeSecurityGroupEgress":
    case "UpdateSecurityGroupRuleDescriptionsIngress":
    case "UpdateSecurityGroupRuleDescriptionsEgress":
      // security-group-rule is asked for only where a rule is tagged in the call, or named by its id.
      return only(a.group(parameter("GroupId")))
    case "CreateTags":
      return listOf(p, "ResourceId").map((id) => {
        const { context, resource } = a.named(id)
        return { action, asked: [{ resource, context: { ...context, ...requestTags(tagsOf(p, "Tag")) } }] }
      })
    case "DescribeAddresses":
    case "DescribeInstances":
    case "DescribeNetworkInterfaces":
    case "DescribeSecurityGroups":
      return only({ resource: "*", context: {} })
    default:
      throw new Error(`it is not known what EC2 asks IAM for ${action}`)
  }
}

/** All of them must be allowed. An id that names nothing behind which something is looked up asks for nothing. */
export const requestsOf = (
  { account, ...call }: Recorded,
  where: Where
): ReadonlyArray<AuthorizationRequest> =>
  authorizationsOf(call, account, asks(where, account)).flatMap(({ action, asked }) =>
    asked.map(({ context, resource }) => ({
      action: `ec2:${action}`,
      resource,
      context: { ...context, "ec2:Region": [where.region], "aws:RequestedRegion": [where.region] }
    }))
  )
