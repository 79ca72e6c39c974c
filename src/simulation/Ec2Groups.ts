/**
 * Security groups of the simulated EC2: made, deleted, their rules changed, put on interfaces.
 * Rule: a name is unique in its VPC whatever its letter case, and a group goes only when nothing holds it.
 * Source: CreateSecurityGroup, DeleteSecurityGroup, ModifyNetworkInterfaceAttribute of the EC2 API reference.
 */
import { Result } from "effect"
import type { Tags } from "../domain/Names.ts"
import type { Permission } from "../domain/Permission.ts"
import type { RulesRequest } from "../ec2/Ec2.ts"
import { accountId, derivedId } from "./Ec2Ids.ts"
import { type Answer, done, refuse } from "./Ec2Refusal.ts"
import * as Rules from "./Ec2Rules.ts"
import { type GroupRecord, put, type State, type Vpc } from "./Ec2State.ts"
import { tagTrouble } from "./Ec2Tags.ts"

const maxNameLength = 255
const isGroupId = (id: string): boolean => /^sg-[0-9a-f]{8,17}$/.test(id)

/** The group that a call names, or what EC2 says to such an id. */
const named = (state: State, at: number, groupId: string): Answer<GroupRecord> => {
  if (!isGroupId(groupId)) return refuse("InvalidGroupId.Malformed", `Invalid id: "${groupId}"`)
  const group = state.groups.named(groupId, at)
  return group === undefined
    ? refuse("InvalidGroup.NotFound", `The security group '${groupId}' does not exist`)
    : Result.succeed(group)
}

const nameTrouble = (name: string, description: string): string | undefined => {
  if (name === "" || name.length > maxNameLength || !Rules.isAllowedText(name)) {
    return `Invalid security group name '${name}'`
  }
  if (name.startsWith("sg-")) return "Group names may not be in the format sg-*"
  return Rules.isAllowedText(description) ? undefined : "Invalid security group description"
}

const newId = (state: State, vpcId: string, name: string): string => {
  const derived = derivedId("sg", `${vpcId}/${name.toLowerCase()}`)
  return state.isDerived && state.groups.get(derived) === undefined ? derived : state.ids.next("sg")
}

interface NewGroup {
  readonly name: string
  readonly description: string
  readonly vpcId: string
  readonly tags: Tags
}

const add = (
  state: State,
  at: number,
  vpc: Vpc,
  request: NewGroup,
  extra: ReadonlyArray<Permission> = []
): string => {
  const groupId = newId(state, vpc.vpcId, request.name)
  const permissions = [...extra, ...Rules.ofNewGroup(vpc)]
  put(state, state.groups, groupId, { ...request, groupId, permissions }, at)
  return groupId
}

export const create = (state: State, at: number, request: NewGroup): Answer<{ readonly groupId: string }> => {
  const { name, description, vpcId, tags } = request
  if (description === "") return refuse("MissingParameter", "The request must contain GroupDescription")
  const trouble = nameTrouble(name, description)
  if (trouble !== undefined) return refuse("InvalidParameterValue", trouble)
  const badTag = tagTrouble({}, tags)
  if (badTag !== undefined) return Result.fail(badTag)
  const vpc = state.vpcs.get(vpcId)
  if (vpc === undefined) return refuse("InvalidVpcID.NotFound", `The vpc ID '${vpcId}' does not exist`)
  for (const group of state.groups.all()) {
    if (group.vpcId === vpcId && group.name.toLowerCase() === name.toLowerCase()) {
      return refuse(
        "InvalidGroup.Duplicate",
        `The security group '${name}' already exists for VPC '${vpcId}'`
      )
    }
  }
  if (state.groups.size() >= state.conditions.quotas.groups) {
    return refuse("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")
  }
  return Result.succeed({ groupId: add(state, at, vpc, request) })
}

/** The group "default" that every VPC has, made with the VPC on first use. */
export const ensureVpc = (state: State, at: number, vpc: Vpc): void => {
  if (state.vpcs.has(vpc.vpcId)) return
  state.vpcs.set(vpc.vpcId, vpc)
  add(state, at, vpc, {
    name: "default",
    description: "default VPC security group",
    vpcId: vpc.vpcId,
    tags: {}
  })
}

export const defaultGroup = (state: State, vpcId: string): string | undefined => {
  for (const group of state.groups.all()) {
    if (group.vpcId === vpcId && group.name === "default") return group.groupId
  }
  return undefined
}

const isHeld = (state: State, groupId: string): boolean => {
  for (const networkInterface of state.interfaces.all()) {
    if (networkInterface.groupIds.includes(groupId)) return true
  }
  for (const group of state.groups.all()) {
    if (group.groupId === groupId) continue
    if (group.permissions.some((p) => p.sourceKind === "groups" && p.source === Rules.sourceOf(groupId)))
      return true
  }
  return false
}

export const remove = (state: State, at: number, request: { readonly groupId: string }): Answer<void> => {
  const group = named(state, at, request.groupId)
  if (Result.isFailure(group)) return Result.fail(group.failure)
  const { groupId } = group.success
  if (isHeld(state, groupId)) {
    return refuse("DependencyViolation", `resource ${groupId} has a dependent object`)
  }
  put(state, state.groups, groupId, undefined, at)
  return done
}

const changeRules = (
  state: State,
  at: number,
  request: RulesRequest,
  change: (present: ReadonlyArray<Permission>, asked: ReadonlyArray<Permission>) => Rules.Outcome
): Answer<void> => {
  // What is wrong with the request itself is said before anything is looked up.
  const asked = Rules.read(request.direction, request.permissions)
  if (Result.isFailure(asked)) return Result.fail(asked.failure)
  const group = named(state, at, request.groupId)
  if (Result.isFailure(group)) return Result.fail(group.failure)
  for (const { source } of request.permissions.flatMap((p) => p.groups)) {
    const referenced = named(state, at, source.replace(`${accountId}/`, ""))
    if (Result.isFailure(referenced)) return Result.fail(referenced.failure)
  }
  const { permissions, groupId } = group.success
  const present = permissions.filter((p) => p.direction === request.direction)
  const { after, answer } = change(present, asked.success)
  if (after !== present) {
    const others = permissions.filter((p) => p.direction !== request.direction)
    put(state, state.groups, groupId, { ...group.success, permissions: [...others, ...after] }, at)
  }
  return answer
}

export const authorize = (state: State, at: number, request: RulesRequest): Answer<void> => {
  const { quotas, restOfDuplicate } = state.conditions
  return changeRules(state, at, request, (present, asked) =>
    Rules.authorize(present, asked, quotas.rulesPerGroup, restOfDuplicate)
  )
}

export const revoke = (state: State, at: number, request: RulesRequest): Answer<void> =>
  changeRules(state, at, request, Rules.revoke)

export const describeRules = (state: State, at: number, request: RulesRequest): Answer<void> =>
  changeRules(state, at, request, Rules.describe)

/** Replaces the whole list; nothing is compared with what the caller saw. */
export const setOnInterface = (
  state: State,
  at: number,
  request: { readonly networkInterfaceId: string; readonly groupIds: ReadonlyArray<string> }
): Answer<void> => {
  const { networkInterfaceId } = request
  if (!/^eni-[0-9a-f]{8,17}$/.test(networkInterfaceId)) {
    return refuse("InvalidNetworkInterfaceId.Malformed", `Invalid id: "${networkInterfaceId}"`)
  }
  const groupIds = [...new Set(request.groupIds)]
  // An empty list is not on the wire at all.
  if (groupIds.length === 0) return refuse("InvalidParameterCombination", "No attributes specified.")
  const target = state.interfaces.named(networkInterfaceId, at)
  if (target === undefined) {
    return refuse(
      "InvalidNetworkInterfaceID.NotFound",
      `The networkInterface ID '${networkInterfaceId}' does not exist`
    )
  }
  for (const groupId of groupIds) {
    const group = named(state, at, groupId)
    if (Result.isFailure(group)) return Result.fail(group.failure)
    if (group.success.vpcId !== target.vpcId) {
      return refuse(
        "InvalidParameter",
        `Security group ${groupId} and the interface belong to different networks`
      )
    }
  }
  if (groupIds.length > state.conditions.quotas.groupsPerInterface) {
    return refuse(
      "SecurityGroupsPerInterfaceLimitExceeded",
      "The maximum number of security groups per interface has been reached."
    )
  }
  put(state, state.interfaces, networkInterfaceId, { ...target, groupIds }, at)
  return done
}
