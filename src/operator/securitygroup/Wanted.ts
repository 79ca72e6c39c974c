/**
 * What one node's group is to hold now: the union of its rules, and what stays open beside it.
 * Rule: pure; the plan and the report ask the same question the same way.
 */

import { securityGroupName } from "../../domain/Names.ts"
import * as Permission from "../../domain/Permission.ts"
import type { GroupRecord } from "../../ec2/Inventory.ts"
import type { Observed } from "./Step.ts"
import { type Union, unionOf } from "./Union.ts"

export const union = (o: Observed): Union =>
  unionOf(o.wanted, o.memory.refusals, o.memory.limits, {
    staying: presentStaying(o),
    present: presentKeys(o).difference(o.memory.opened),
    most: { Ingress: mostOf(o, "Ingress"), Egress: mostOf(o, "Egress") }
  })

const mostOf = (o: Observed, direction: Permission.Direction): number =>
  Math.max(0, ...o.groups.map((g) => g.permissions.filter((p) => p.direction === direction).length))

const presentKeys = (o: Observed): ReadonlySet<string> =>
  new Set(o.groups.flatMap((g) => g.permissions.map(Permission.key)))

/** Identities that stay open, as far as they are open. */
export const presentStaying = (o: Observed): ReadonlySet<string> =>
  new Set([...presentKeys(o)].filter((k) => o.staying.has(k)))

/** Identities that are not to be closed. */
export const keptKeys = (o: Observed, wanted: Union): ReadonlySet<string> =>
  new Set([
    ...wanted.permissions.keys(),
    ...wanted.heldOverLimit,
    ...o.staying,
    ...[...wanted.refused.keys()].flatMap((r) => r.permissions.map(Permission.key))
  ])

export const notOwned = (group: GroupRecord): string =>
  `${group.groupId} does not carry the tags of this node and cluster; --adopt-cluster-id takes over groups of another cluster id`
export const nameTaken = (o: Observed): string =>
  `the name ${securityGroupName(o.policy.clusterId, o.nodeName)} is taken by ${o.memory.nameTakenBy}, which is not ours`
