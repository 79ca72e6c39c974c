/**
 * What to do next for the security group of one node.
 * Rule: pure and total. Missing rules are opened before unwanted ones are closed; a rule that is wanted and
 * present is never absent; a group that holds nothing anybody wants is detached and deleted.
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { groupTags, securityGroupName, Tag, type Tags } from "../../domain/Names.ts"
import * as Permission from "../../domain/Permission.ts"
import type { Instance, NetworkInterface } from "../../ec2/Ec2.ts"
import type { GroupRecord } from "../../ec2/Inventory.ts"
import { anyNumber } from "./Quota.ts"
import { mainGroup, type Situation, situate } from "./Situation.ts"
import {
  type Authorize,
  describedKey,
  type Observed,
  perform,
  type Revoke,
  type Step,
  settled
} from "./Step.ts"
import { directions, type Union } from "./Union.ts"
import { keptKeys, nameTaken, notOwned, presentStaying, union } from "./Wanted.ts"

export { reportOf } from "./Achieved.ts"
export { describedKey, type Memory, type Observed, type Policy, type Step } from "./Step.ts"
export { union } from "./Wanted.ts"

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
  const missingIn = (direction: Permission.Direction) =>
    [...wanted.permissions.values()].filter((p) => p.direction === direction && !held.has(Permission.key(p)))
  const filling = fill(o, group, chosen, missingIn, keep)
  if (filling !== undefined) return perform(filling)
  for (const direction of directions) {
    const missing = missingIn(direction)
    if (missing.length === 0) continue
    const limit = o.memory.limits[direction]
    const count = group.permissions.filter((p) => p.direction === direction).length
    const room = limit === undefined ? anyNumber : Math.max(0, limit - count)
    if (missing.length > room) {
      // A full group: only here may something be closed before something else is opened.
      const revoke = o.isFrozen ? undefined : revokeExcess(o, group, keep, direction)
      if (revoke !== undefined) return perform(revoke)
    }
    const permissions = missing.slice(0, Math.min(room, o.memory.batch[direction]))
    if (permissions.length > 0) return perform({ _tag: "Authorize", group, direction, permissions })
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
  return rest(o, group, wanted)
}

/** What is asked for is open, and nobody waits for what is left. */
const rest = (o: Observed, group: GroupRecord, wanted: Union): Decision<Step> => {
  const { limitsUntil, readBack, stuck, unread } = o.memory
  if (unread.has(group.groupId)) {
    return readBack.has(group.groupId)
      ? settled(Next.requeueAfter("10 seconds", `the rules that EC2 gave ${group.groupId}`))
      : perform({ _tag: "ReadBack", group })
  }
  if (stuck.size > 0)
    return settled(
      Next.requeueAfter("1 minute", `EC2 to find the groups that rules of ${group.groupId} name`)
    )
  const held = new Set(group.permissions.map(Permission.key))
  const isFull = wanted.overLimit.size > 0 || [...wanted.permissions.keys()].some((key) => !held.has(key))
  return settled(
    isFull && limitsUntil !== undefined
      ? Next.requeueAfter(`${Math.max(0, limitsUntil - o.now)} millis`, "room in the security group")
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

/** A group that was made just now is brought to its union in the time of one call, and then attached. */
const fill = (
  o: Observed,
  group: GroupRecord,
  chosen: NetworkInterface,
  missingIn: (direction: Permission.Direction) => ReadonlyArray<Permission.Permission>,
  keep: ReadonlySet<string>
): Step | undefined => {
  const isUnreached = o.memory.made.has(group.groupId) && !chosen.groupIds.includes(group.groupId)
  // In small batches, or within a known quota, the order matters.
  const isPlain = directions.every((d) => o.memory.batch[d] === anyNumber && o.memory.limits[d] === undefined)
  if (!isUnreached || !isPlain || o.isFrozen) return undefined
  const parts = directions.flatMap((direction) => {
    const permissions = missingIn(direction)
    const opening: ReadonlyArray<Authorize | Revoke> =
      permissions.length === 0 ? [] : [{ _tag: "Authorize", group, direction, permissions }]
    const closing = revokeExcess(o, group, keep, direction)
    return closing === undefined ? opening : [...opening, closing]
  })
  return parts.length > 1 ? { _tag: "Fill", group, parts } : undefined
}

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

const revokeExcess = (
  o: Observed,
  group: GroupRecord,
  keep: ReadonlySet<string>,
  only?: Permission.Direction
): Revoke | undefined => {
  for (const direction of directions) {
    if (only !== undefined && only !== direction) continue
    const excess = group.permissions.filter((p) => {
      const key = Permission.key(p)
      return p.direction === direction && !keep.has(key) && !o.memory.stuck.has(key)
    })
    if (excess.length === 0) continue
    const permissions = excess.slice(0, o.memory.batch[direction])
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
        present.has(key) &&
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
      networkInterfaceId: elsewhere.networkInterfaceId,
      isDismantled: false
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
      : {
          _tag: "Detach",
          groupId: group.groupId,
          networkInterfaceId: other.networkInterfaceId,
          isDismantled: false
        }
  )
}

/** Off every interface, then deleted; where that cannot be, it is emptied, and tried again later. */
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
      : { _tag: "Detach", groupId, networkInterfaceId: carrier.networkInterfaceId, isDismantled: true }
  )
}
