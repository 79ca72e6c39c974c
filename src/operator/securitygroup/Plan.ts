/**
 * What to do next for the security group of one node.
 * Rule: pure and total. Missing rules are opened before unwanted ones are closed; a rule that is wanted and
 * present is never absent; a group that holds nothing anybody wants is detached and deleted.
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { type FailureReason, Reason } from "../../domain/Condition.ts"
import type * as FirewallRule from "../../domain/FirewallRule.ts"
import { groupTags, securityGroupName, Tag, type Tags } from "../../domain/Names.ts"
import type { Node, Placement } from "../../domain/Node.ts"
import * as Permission from "../../domain/Permission.ts"
import type { Instance, NetworkInterface } from "../../ec2/Ec2.ts"
import type { GroupRecord, InstanceSighting } from "../../ec2/Inventory.ts"
import * as InterfaceChoice from "../InterfaceChoice.ts"
import type { Report, RuleOutcome, RuleReport } from "../Reports.ts"
import type { InterfaceSelection } from "../Settings.ts"
import { directions, type Limits, type Refusal, type Union, unionOf } from "./Union.ts"

export interface Observed {
  readonly now: number
  /** When this run of the actor began. */
  readonly runBegan: number
  readonly nodeName: string
  readonly node: Node | undefined
  readonly placement: Placement | undefined
  readonly sighting: InstanceSighting | undefined
  /** Groups tagged for this node with our cluster id, or one that is adopted. */
  readonly groups: ReadonlyArray<GroupRecord>
  /** A group that a rule's status names and whose tags are not ours. */
  readonly foreignGroup: GroupRecord | undefined
  /** A group that a rule's status names and the mirror was never asked for. */
  readonly unreadGroupId: string | undefined
  /** Rules that target this node and may be opened: valid, live, enabled, with their finalizer. */
  readonly wanted: ReadonlyArray<FirewallRule.FirewallRule>
  /** Identities that stay open where they are open: of rules that are disabled, or on their way elsewhere. */
  readonly staying: ReadonlySet<string>
  /** A rule nobody can read points at a group here: nothing is closed until it can be read or is deleted. */
  readonly isFrozen: boolean
  /** The interface of the instance that holds an address of ours. */
  readonly holdingAddress: string | undefined
  readonly memory: Memory
  readonly policy: Policy
}

export interface Policy {
  readonly clusterId: string
  readonly extraTags: Tags
  readonly vpcId: string | undefined
  readonly interfaceSelection: InterfaceSelection
}

/** What this process remembers; a restart may forget it, and then asks EC2 once more. */
export interface Memory {
  /** By rule UID. */
  readonly refusals: ReadonlyMap<string, Refusal>
  readonly limits: Limits
  /** When the first of `limits` is forgotten (epoch milliseconds). */
  readonly limitsUntil: number | undefined
  /** Directions in which a batch was refused in this run: one permission at a time from here on. */
  readonly singly: ReadonlySet<Permission.Direction>
  /** Descriptions that were sent once: `describedKey`. */
  readonly described: ReadonlySet<string>
  /** Interfaces seen to carry a group, by group, read in this run. */
  readonly attachments: ReadonlyMap<string, ReadonlyArray<NetworkInterface>>
  /** Groups that something else still holds: emptied instead of deleted. */
  readonly undeletable: ReadonlySet<string>
  readonly nameTakenBy: string | undefined
}

export type Step =
  | { readonly _tag: "ReadGroup"; readonly groupId: string }
  | { readonly _tag: "ReadAttachments"; readonly groupId: string }
  | { readonly _tag: "LookUpInstance"; readonly instanceId: string }
  | { readonly _tag: "CreateGroup"; readonly name: string; readonly vpcId: string; readonly tags: Tags }
  | { readonly _tag: "TagGroup"; readonly group: GroupRecord; readonly tags: Tags }
  | {
      readonly _tag: "Authorize"
      readonly group: GroupRecord
      readonly direction: Permission.Direction
      readonly permissions: ReadonlyArray<Permission.Permission>
    }
  | {
      readonly _tag: "Revoke"
      readonly group: GroupRecord
      readonly direction: Permission.Direction
      readonly permissions: ReadonlyArray<Permission.Permission>
    }
  | {
      readonly _tag: "Describe"
      readonly group: GroupRecord
      readonly direction: Permission.Direction
      readonly permissions: ReadonlyArray<Permission.Permission>
    }
  | { readonly _tag: "Attach"; readonly groupId: string; readonly networkInterfaceId: string }
  | { readonly _tag: "Detach"; readonly groupId: string; readonly networkInterfaceId: string }
  | { readonly _tag: "DeleteGroup"; readonly group: GroupRecord }
  | { readonly _tag: "Wait"; readonly why: string }

const perform = (step: Step): Decision<Step> => ({ _tag: "Perform", step })
const settled = (next: Next.Next): Decision<Step> => ({ _tag: "Settled", next })

export const describedKey = (groupId: string, p: Permission.Permission): string =>
  `${groupId}|${Permission.key(p)}|${p.description}`

// ------------------------------------------------------------------------------------------- where it belongs

type Situation =
  | {
      readonly _tag: "Placed"
      readonly instance: Instance
      readonly vpcId: string
      readonly chosen: NetworkInterface
    }
  | { readonly _tag: "Unknown"; readonly instanceId: string }
  | {
      readonly _tag: "Blocked"
      readonly reason: FailureReason
      readonly message: string
      /** Change: an event will tell. Poll: nothing will, look again. Final: nothing changes by itself. */
      readonly until: "Change" | "Poll" | "Final"
    }

const blocked = (reason: FailureReason, message: string, until: "Change" | "Poll" | "Final"): Situation => ({
  _tag: "Blocked",
  reason,
  message,
  until
})

const situate = (o: Observed): Situation => {
  const { nodeName } = o
  if (o.node === undefined || o.placement === undefined) {
    return blocked(Reason.NodeNotFound, `node ${nodeName} does not exist`, "Change")
  }
  if (o.placement._tag === "NotYet") {
    return blocked(Reason.NodeRetrievalError, `node ${nodeName} has no providerID yet`, "Change")
  }
  if (o.placement._tag === "Unsupported") {
    const what = `node ${nodeName} is not an EC2 instance (providerID ${o.placement.providerID})`
    return blocked(Reason.UnsupportedNode, what, "Final")
  }
  const { instanceId } = o.placement
  const sighting = o.sighting
  if (sighting === undefined || sighting._tag === "Unseen") return { _tag: "Unknown", instanceId }
  const isOld = sighting.readAt < o.runBegan
  if (sighting._tag === "Gone") {
    if (isOld) return { _tag: "Unknown", instanceId }
    return blocked(Reason.NodeRetrievalError, `EC2 knows no running instance ${instanceId}`, "Poll")
  }
  if (sighting.isUncertain) return { _tag: "Unknown", instanceId }
  const { instance } = sighting
  const { vpcId } = instance
  if (vpcId === undefined) return blocked(Reason.NodeRetrievalError, `${instanceId} is in no VPC`, "Poll")
  if (o.policy.vpcId !== undefined && vpcId !== o.policy.vpcId) {
    const what = `instance ${instanceId} is in ${vpcId}, the operator serves ${o.policy.vpcId} only`
    return blocked(Reason.OtherVpc, what, "Final")
  }
  const chosen = InterfaceChoice.choose(instance, {
    holdingAddress: o.holdingAddress,
    inStatus: o.wanted.find((r) => r.status.nodeName === nodeName)?.status.networkInterfaceID,
    groupIds: o.groups.map((g) => g.groupId),
    selection: o.policy.interfaceSelection
  })
  if (chosen === undefined) {
    if (isOld) return { _tag: "Unknown", instanceId }
    return blocked(Reason.NoPublicInterface, `no interface of ${instanceId} has a public IP`, "Poll")
  }
  return { _tag: "Placed", instance, vpcId, chosen }
}

/** Of several groups for this node in the right VPC, the one that is attached, else the smallest id. */
const mainGroup = (o: Observed, vpcId: string | undefined, attached: NetworkInterface | undefined) => {
  const here = o.groups
    .filter((g) => vpcId === undefined || g.vpcId === vpcId)
    .toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1))
  return here.find((g) => attached?.groupIds.includes(g.groupId)) ?? here[0]
}

// -------------------------------------------------------------------------------------------------- the plan

export const union = (o: Observed): Union =>
  unionOf(o.wanted, o.memory.refusals, o.memory.limits, presentStaying(o))

/** Identities that stay open, as far as they are open. */
const presentStaying = (o: Observed): ReadonlySet<string> =>
  new Set(o.groups.flatMap((g) => g.permissions.map(Permission.key)).filter((k) => o.staying.has(k)))

export const decide = (o: Observed): Decision<Step> => {
  const uncertain = o.groups.find((g) => g.isUncertain)
  if (uncertain !== undefined) return perform({ _tag: "ReadGroup", groupId: uncertain.groupId })
  if (o.wanted.length === 0) return withoutWanted(o)
  const where = situate(o)
  if (where._tag === "Unknown") return perform({ _tag: "LookUpInstance", instanceId: where.instanceId })
  if (where._tag === "Blocked") {
    // Closing needs no instance: what nobody wants any more goes all the same.
    const keep = keptKeys(o, union(o))
    const revoke = o.isFrozen
      ? undefined
      : o.groups.map((g) => revokeExcess(o, g, keep)).find((step) => step !== undefined)
    if (revoke !== undefined) return perform(revoke)
    return where.until === "Poll"
      ? perform({ _tag: "Wait", why: where.message })
      : settled(Next.awaitChange(where.message))
  }
  return hold(o, where)
}

/** Nobody wants anything: what stays open keeps its group, everything else goes. */
const withoutWanted = (o: Observed): Decision<Step> => {
  if (o.isFrozen) return settled(Next.awaitChange("a rule that cannot be read"))
  const stays = presentStaying(o)
  for (const group of o.groups) {
    const isNeeded = group.permissions.some((p) => stays.has(Permission.key(p)))
    if (!isNeeded) return dismantle(o, group)
    const revoke = revokeExcess(o, group, stays)
    if (revoke !== undefined) return perform(revoke)
  }
  return settled(o.groups.length === 0 ? Next.stop : Next.awaitChange())
}

const hold = (o: Observed, where: Extract<Situation, { _tag: "Placed" }>): Decision<Step> => {
  const { chosen, instance, vpcId } = where
  const group = mainGroup(o, vpcId, chosen)
  if (group === undefined) return create(o, instance, vpcId)
  const tags = missingTags(o, group)
  if (tags !== undefined) return perform({ _tag: "TagGroup", group, tags })

  const wanted = union(o)
  const held = new Set(group.permissions.map(Permission.key))
  const keep = keptKeys(o, wanted)
  for (const direction of directions) {
    const missing = [...wanted.permissions.values()].filter(
      (p) => p.direction === direction && !held.has(Permission.key(p))
    )
    const [first] = missing
    if (first === undefined) continue
    const limit = o.memory.limits[direction]
    const count = group.permissions.filter((p) => p.direction === direction).length
    if (limit !== undefined && count + missing.length > limit) {
      // A full group: only here may something be closed before something else is opened.
      const revoke = o.isFrozen ? undefined : revokeExcess(o, group, keep, direction)
      if (revoke !== undefined) return perform(revoke)
    }
    const permissions = o.memory.singly.has(direction) ? [first] : missing
    return perform({ _tag: "Authorize", group, direction, permissions })
  }
  if (!chosen.groupIds.includes(group.groupId)) {
    return perform({
      _tag: "Attach",
      groupId: group.groupId,
      networkInterfaceId: chosen.networkInterfaceId
    })
  }
  if (!o.isFrozen) {
    const revoke = revokeExcess(o, group, keep)
    if (revoke !== undefined) return perform(revoke)
  }
  const describe = describeChanged(o, group, wanted)
  if (describe !== undefined) return perform(describe)
  const leaving = leaveOthers(o, group, instance, chosen)
  if (leaving !== undefined) return leaving
  const extra = o.groups.find((g) => g.groupId !== group.groupId)
  if (extra !== undefined && !o.isFrozen) return dismantle(o, extra)
  const until = o.memory.limitsUntil
  return settled(
    wanted.overLimit.size > 0 && until !== undefined
      ? Next.requeueAfter(`${Math.max(0, until - o.now)} millis`, "room in the security group")
      : Next.awaitChange()
  )
}

const create = (o: Observed, instance: Instance, vpcId: string): Decision<Step> => {
  if (o.unreadGroupId !== undefined) return perform({ _tag: "ReadGroup", groupId: o.unreadGroupId })
  if (o.foreignGroup !== undefined) return perform({ _tag: "Wait", why: notOwned(o.foreignGroup) })
  if (o.memory.nameTakenBy !== undefined) return perform({ _tag: "Wait", why: nameTaken(o) })
  return perform({
    _tag: "CreateGroup",
    name: securityGroupName(o.policy.clusterId, o.nodeName),
    vpcId,
    tags: groupTags({
      clusterId: o.policy.clusterId,
      nodeName: o.nodeName,
      instanceId: instance.instanceId,
      extra: o.policy.extraTags
    })
  })
}

const notOwned = (group: GroupRecord): string =>
  `${group.groupId} does not carry the tags of this node and cluster; --adopt-cluster-id takes over groups of another cluster id`
const nameTaken = (o: Observed): string =>
  `the name ${securityGroupName(o.policy.clusterId, o.nodeName)} is taken by ${o.memory.nameTakenBy}, which is not ours`

/** Tags that the group lacks or that name another cluster. The instance is said last, once it has moved. */
const missingTags = (o: Observed, group: GroupRecord): Tags | undefined => {
  const identity: Tags = {
    [Tag.managed]: "true",
    [Tag.clusterId]: o.policy.clusterId,
    [Tag.nodeName]: o.nodeName
  }
  const missing = Object.entries(identity).filter(([key, value]) => group.tags[key] !== value)
  const dress = Object.entries({
    ...o.policy.extraTags,
    [Tag.name]: securityGroupName(o.policy.clusterId, o.nodeName)
  }).filter(([key]) => group.tags[key] === undefined)
  return missing.length === 0 ? undefined : Object.fromEntries([...dress, ...missing])
}

const keptKeys = (o: Observed, wanted: Union): ReadonlySet<string> =>
  new Set([
    ...wanted.permissions.keys(),
    ...o.staying,
    ...[...wanted.refused.keys()].flatMap((r) => r.permissions.map(Permission.key))
  ])

const revokeExcess = (
  o: Observed,
  group: GroupRecord,
  keep: ReadonlySet<string>,
  only?: Permission.Direction
): Step | undefined => {
  for (const direction of directions) {
    if (only !== undefined && only !== direction) continue
    const excess = group.permissions.filter((p) => p.direction === direction && !keep.has(Permission.key(p)))
    const [first] = excess
    if (first === undefined) continue
    const permissions = o.memory.singly.has(direction) ? [first] : excess
    return { _tag: "Revoke", group, direction, permissions }
  }
  return undefined
}

/** Descriptions of a changed spec, sent once: never by closing and opening again. */
const describeChanged = (o: Observed, group: GroupRecord, wanted: Union): Step | undefined => {
  const present = new Map(group.permissions.map((p) => [Permission.key(p), p]))
  for (const direction of directions) {
    const permissions = [...wanted.permissions.entries()].flatMap(([key, p]) => {
      const [owner] = wanted.owners.get(key) ?? []
      const isNews = owner !== undefined && owner.status.observedGeneration !== owner.metadata.generation
      return p.direction === direction &&
        isNews &&
        present.get(key)?.description !== p.description &&
        !o.memory.described.has(describedKey(group.groupId, p))
        ? [p]
        : []
    })
    if (permissions.length > 0) return { _tag: "Describe", group, direction, permissions }
  }
  return undefined
}

/** Once it is where it belongs: off every other interface, then the tag says which instance has it. */
const leaveOthers = (
  o: Observed,
  group: GroupRecord,
  instance: Instance,
  chosen: NetworkInterface
): Decision<Step> | undefined => {
  const elsewhere = instance.interfaces.find(
    (i) => i.networkInterfaceId !== chosen.networkInterfaceId && i.groupIds.includes(group.groupId)
  )
  if (elsewhere !== undefined && !o.isFrozen) {
    return perform({
      _tag: "Detach",
      groupId: group.groupId,
      networkInterfaceId: elsewhere.networkInterfaceId
    })
  }
  if (group.tags[Tag.instanceId] === instance.instanceId) return undefined
  const attachments = o.memory.attachments.get(group.groupId)
  if (attachments === undefined) return perform({ _tag: "ReadAttachments", groupId: group.groupId })
  const other = attachments.find(
    (i) => i.networkInterfaceId !== chosen.networkInterfaceId && i.groupIds.includes(group.groupId)
  )
  return perform(
    other === undefined
      ? { _tag: "TagGroup", group, tags: { [Tag.instanceId]: instance.instanceId } }
      : { _tag: "Detach", groupId: group.groupId, networkInterfaceId: other.networkInterfaceId }
  )
}

/** Off every interface, then deleted; where something else holds it, emptied, and deletion tried again later. */
const dismantle = (o: Observed, group: GroupRecord): Decision<Step> => {
  const { groupId } = group
  if (o.memory.undeletable.has(groupId)) {
    const revoke = revokeExcess(o, group, new Set())
    if (revoke !== undefined) return perform(revoke)
  }
  const attachments = o.memory.attachments.get(groupId)
  if (attachments === undefined) return perform({ _tag: "ReadAttachments", groupId })
  const carrier = attachments.find((i) => i.groupIds.includes(groupId))
  return perform(
    carrier === undefined
      ? { _tag: "DeleteGroup", group }
      : { _tag: "Detach", groupId, networkInterfaceId: carrier.networkInterfaceId }
  )
}

// ------------------------------------------------------------------------------------------------ the report

/** What has been achieved, rule by rule; `failure` is what the last step met, if it failed. */
export const reportOf = (
  o: Observed,
  failure: { readonly reason: FailureReason; readonly message: string } | undefined
): Report => {
  const where = situate(o)
  const chosen = where._tag === "Placed" ? where.chosen : undefined
  const group = mainGroup(o, where._tag === "Placed" ? where.vpcId : undefined, chosen)
  const wanted = union(o)
  const held = new Set(group?.permissions.map(Permission.key))
  const isAttached = group !== undefined && chosen?.groupIds.includes(group.groupId) === true
  const keep = keptKeys(o, wanted)
  const outcomeOf = (rule: FirewallRule.FirewallRule): RuleOutcome => {
    if (where._tag === "Blocked") {
      const { reason, message } = where
      return { _tag: where.until === "Final" ? "Refused" : "Waiting", reason, message }
    }
    if (wanted.overLimit.has(rule)) {
      const message = "the security group of the node is full; older FirewallRules come first"
      return { _tag: "Refused", reason: Reason.RuleLimitExceeded, message }
    }
    const refusal = wanted.refused.get(rule)
    if (refusal !== undefined)
      return { _tag: "Refused", reason: Reason.InvalidRule, message: refusal.message }
    if (isAttached && rule.permissions.every((p) => held.has(Permission.key(p)))) return { _tag: "Applied" }
    if (group === undefined && o.foreignGroup !== undefined) {
      return { _tag: "Refused", reason: Reason.AddressNotOwned, message: notOwned(o.foreignGroup) }
    }
    if (group === undefined && o.memory.nameTakenBy !== undefined) {
      return { _tag: "Refused", reason: Reason.GroupNameTaken, message: nameTaken(o) }
    }
    return failure === undefined
      ? { _tag: "Waiting", reason: Reason.NodeRetrievalError, message: `on its way to ${o.nodeName}` }
      : { _tag: "Waiting", ...failure }
  }
  return {
    nodeName: o.nodeName,
    groupId: group?.groupId,
    instanceId: where._tag === "Placed" ? where.instance.instanceId : undefined,
    networkInterfaceId: isAttached ? chosen?.networkInterfaceId : undefined,
    rules: new Map(
      o.wanted.map((rule): readonly [string, RuleReport] => [
        rule.metadata.name,
        { uid: rule.metadata.uid, generation: rule.metadata.generation, outcome: outcomeOf(rule) }
      ])
    ),
    isExact: !o.isFrozen && o.groups.every((g) => g.permissions.every((p) => keep.has(Permission.key(p))))
  }
}
