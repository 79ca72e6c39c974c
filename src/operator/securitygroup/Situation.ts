/**
 * Where one node's group belongs: on which interface, in which VPC, or why nowhere.
 * Rule: pure; what was read before this run and does not suffice is looked at again before it is said to be wanting.
 */
import { type FailureReason, Reason } from "../../domain/Condition.ts"
import type { Instance, NetworkInterface } from "../../ec2/Ec2.ts"
import type { GroupRecord } from "../../ec2/Inventory.ts"
import * as InterfaceChoice from "../InterfaceChoice.ts"
import type { Observed } from "./Step.ts"

export type Situation =
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

export const situate = (o: Observed): Situation => {
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
export const mainGroup = (
  o: Observed,
  vpcId: string | undefined,
  attached: NetworkInterface | undefined
): GroupRecord | undefined => {
  const here = o.groups
    .filter((g) => vpcId === undefined || g.vpcId === vpcId)
    .toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1))
  return here.find((g) => attached?.groupIds.includes(g.groupId)) ?? here[0]
}
