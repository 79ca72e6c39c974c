/**
 * The attachment of an address to the node its ExternalIP names.
 * Rule: asked in this order: may the node have it (Kubernetes), is the instance there (EC2), which interface is it to be on
 * (Landing.ts). Of several ExternalIPs that name one node exactly one gets it.
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { Reason } from "../../domain/Condition.ts"
import * as ExternalIP from "../../domain/ExternalIP.ts"
import { byAge } from "../../domain/Metadata.ts"
import type { AddressRecord } from "../../ec2/Inventory.ts"
import { detach } from "./Detachment.ts"
import { land } from "./Landing.ts"
import { refuse, refuseUnknown, type Task } from "./Refusal.ts"
import * as Status from "./Status.ts"
import { type Observed, perform, type Rival, type Step, say } from "./Step.ts"

export const attach = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  address: AddressRecord
): Decision<Step> => {
  const nodeName = ExternalIP.nodeName(object)
  return nodeName === undefined
    ? (detach(address, o.labelledElsewhere) ??
        say(o, object, Status.reserved(object, address), Next.awaitChange("a node")))
    : toNode({ o, object, address, nodeName })
}

const toNode = (task: Task): Decision<Step> => {
  const { address, nodeName, o, object } = task
  if (o.node === undefined) {
    return refuse(task, {
      reason: Reason.NodeNotFound,
      message: `node ${nodeName} does not exist`,
      until: `node ${nodeName}`,
      isPassing: true,
      isSilent: false
    })
  }
  if (o.placement === undefined || o.placement._tag === "NotYet") {
    return refuse(task, {
      reason: Reason.NodeNotFound,
      message: `node ${nodeName} has no providerID yet`,
      until: `the providerID of ${nodeName}`,
      isPassing: true,
      isSilent: false
    })
  }
  if (o.placement._tag === "Unsupported") {
    return refuse(task, {
      reason: Reason.UnsupportedNode,
      message: `node ${nodeName} is not an EC2 instance (providerID ${o.placement.providerID})`,
      until: `another node than ${nodeName}`,
      isPassing: false,
      isSilent: false
    })
  }
  const { instanceId } = o.placement
  const isThere = o.isHidden || address.association?.instanceId === instanceId
  const rival = isThere ? undefined : winnerOver(object, o.rivals)
  if (rival !== undefined) {
    const { name } = rival.externalIP.metadata
    return refuse(task, {
      reason: Reason.NodeAlreadyHasAddress,
      message: `node ${nodeName} belongs to ExternalIP ${name}`,
      until: `${name} to leave ${nodeName}`,
      isPassing: false,
      isSilent: false
    })
  }
  return toInstance(task, instanceId)
}

const toInstance = (task: Task, instanceId: string): Decision<Step> => {
  const { nodeName, o } = task
  const { sighting } = o
  const lookUp = perform({ _tag: "LookUpInstance", instanceId })
  if (sighting === undefined || sighting._tag === "Unseen") return lookUp
  const isOld = sighting.readAt < o.runBegan
  if (sighting._tag === "Gone") {
    if (isOld) return lookUp
    return refuseUnknown(task, {
      reason: Reason.ProviderError,
      message: `EC2 knows no running instance ${instanceId}`,
      until: `instance ${instanceId}`
    })
  }
  if (sighting.isUncertain) return lookUp
  const { vpcId } = sighting.instance
  if (o.policy.vpcId !== undefined && vpcId !== undefined && vpcId !== o.policy.vpcId) {
    return refuse(task, {
      reason: Reason.OtherVpc,
      message: `instance ${instanceId} is in ${vpcId}, the operator serves ${o.policy.vpcId} only`,
      until: `another node than ${nodeName}`,
      isPassing: false,
      isSilent: false
    })
  }
  return land(task, sighting.instance, isOld)
}

/** Of several that name one node: the attached one keeps it, else the older. */
const winnerOver = (object: ExternalIP.ExternalIP, rivals: ReadonlyArray<Rival>): Rival | undefined =>
  rivals.find((r) => r.isAttached) ??
  rivals
    .filter(
      (r) =>
        !ExternalIP.isDisabled(r.externalIP) &&
        !ExternalIP.isDeleting(r.externalIP) &&
        byAge(r.externalIP.metadata, object.metadata) < 0
    )
    .toSorted((a, b) => byAge(a.externalIP.metadata, b.externalIP.metadata))[0]
