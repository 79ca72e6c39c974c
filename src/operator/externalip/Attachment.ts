/**
 * The attachment of an address to the node its ExternalIP names.
 * Rule: never onto an interface that holds another address; off the old node (label first) before on the new one;
 * of several that name one node exactly one gets it.
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { ConditionType, isFalse, Reason, type Verdict } from "../../domain/Condition.ts"
import * as ExternalIP from "../../domain/ExternalIP.ts"
import { byAge } from "../../domain/Metadata.ts"
import type { AddressRecord } from "../../ec2/Inventory.ts"
import * as InterfaceChoice from "../InterfaceChoice.ts"
import * as Status from "./Status.ts"
import { type Observed, perform, type Rival, type Step, say, sayAndWait, settled } from "./Step.ts"

const { NetworkInterfaceAssociated } = ConditionType

export const attach = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  address: AddressRecord
): Decision<Step> => {
  const nodeName = ExternalIP.nodeName(object)
  if (nodeName === undefined) {
    return (
      detach(address, o.labelledElsewhere) ??
      say(o, object, Status.reserved(object, address), Next.awaitChange("a node"))
    )
  }
  const refuse = (verdict: Verdict) => Status.unattached(object, address, verdict)
  const no = (reason: (typeof Reason)[keyof typeof Reason], message: string) =>
    refuse(isFalse(NetworkInterfaceAssociated, reason, message))
  if (o.node === undefined) {
    return say(
      o,
      object,
      no(Reason.NodeNotFound, `node ${nodeName} does not exist`),
      Next.awaitChange(`node ${nodeName}`)
    )
  }
  if (o.placement === undefined || o.placement._tag === "NotYet") {
    const outcome = no(Reason.NodeNotFound, `node ${nodeName} has no providerID yet`)
    return say(o, object, outcome, Next.awaitChange(`the providerID of ${nodeName}`))
  }
  if (o.placement._tag === "Unsupported") {
    const outcome = no(
      Reason.UnsupportedNode,
      `node ${nodeName} is not an EC2 instance (providerID ${o.placement.providerID})`
    )
    return say(o, object, outcome, Next.awaitChange(`another node than ${nodeName}`))
  }
  const { instanceId } = o.placement
  const isHere = address.association?.instanceId === instanceId
  const rival = isHere ? undefined : winnerOver(object, o.rivals)
  if (rival !== undefined) {
    const outcome = no(
      Reason.NodeAlreadyHasAddress,
      `node ${nodeName} belongs to ExternalIP ${rival.externalIP.metadata.name}`
    )
    return say(o, object, outcome, Next.awaitChange(`${rival.externalIP.metadata.name} to leave ${nodeName}`))
  }
  const sighting = o.sighting
  if (sighting === undefined || sighting._tag === "Unseen")
    return perform({ _tag: "LookUpInstance", instanceId })
  const isOld = sighting.readAt < o.runBegan
  if (sighting._tag === "Gone") {
    if (isOld) return perform({ _tag: "LookUpInstance", instanceId })
    const outcome = no(Reason.ProviderError, `EC2 knows no running instance ${instanceId}`)
    return sayAndWait(o, object, outcome, `instance ${instanceId}`)
  }
  if (sighting.isUncertain) return perform({ _tag: "LookUpInstance", instanceId })
  const { instance } = sighting
  if (o.policy.vpcId !== undefined && instance.vpcId !== undefined && instance.vpcId !== o.policy.vpcId) {
    const outcome = no(
      Reason.OtherVpc,
      `instance ${instanceId} is in ${instance.vpcId}, the operator serves ${o.policy.vpcId} only`
    )
    return say(o, object, outcome, Next.awaitChange(`another node than ${nodeName}`))
  }
  const chosen = InterfaceChoice.choose(instance, {
    holdingAddress: isHere ? address.association?.networkInterfaceId : undefined,
    inStatus: object.status.networkInterfaceID,
    groupIds: o.groupIds,
    selection: o.policy.interfaceSelection
  })
  if (
    isHere &&
    (chosen === undefined || chosen.networkInterfaceId === address.association?.networkInterfaceId)
  ) {
    const outcome = Status.associated(object, address, {
      instanceId,
      networkInterfaceId: address.association?.networkInterfaceId ?? ""
    })
    return say(o, object, outcome, Next.awaitChange())
  }
  if (chosen === undefined) {
    // An instance seen before it had its public IP must be looked at again.
    if (isOld) return perform({ _tag: "LookUpInstance", instanceId })
    const outcome = no(Reason.NoPublicInterface, `no interface of ${instanceId} has a public IP`)
    return sayAndWait(o, object, outcome, `a public interface on ${instanceId}`)
  }
  const holder = chosen.publicIp
  if (holder !== undefined && holder.owner !== "amazon" && holder.address !== address.publicIp) {
    // Two that change places wait for each other for ever unless each lets go first.
    const gone = o.leaving.has(holder.address) ? detach(address, o.labelledElsewhere) : undefined
    if (gone !== undefined) return gone
    if (isOld) return perform({ _tag: "LookUpInstance", instanceId })
    const outcome = no(
      Reason.NodeAlreadyHasAddress,
      `interface ${chosen.networkInterfaceId} of ${nodeName} holds the Elastic IP ${holder.address}`
    )
    return sayAndWait(o, object, outcome, `${holder.address} to leave ${chosen.networkInterfaceId}`)
  }
  return (
    detach(address, o.labelledElsewhere) ??
    perform({
      _tag: "Associate",
      address,
      instanceId,
      networkInterfaceId: chosen.networkInterfaceId,
      nodeName
    })
  )
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

/** Label off the node first, then off the interface; undefined when it is attached nowhere. */
export const detach = (
  address: AddressRecord,
  labelled: ReadonlyArray<string>
): Decision<Step> | undefined => {
  if (address.association === undefined) return undefined
  if (labelled.length > 0) {
    return settled(Next.awaitChange(`the label of ${address.publicIp} to leave ${labelled.join(", ")}`))
  }
  return perform({ _tag: "Disassociate", address, associationId: address.association.associationId })
}
