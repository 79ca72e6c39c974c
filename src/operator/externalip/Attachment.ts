/**
 * The attachment of an address to the node its ExternalIP names.
 * Rule: never onto an interface that holds another address; off the old node (label first) before on the new one. Where
 * the new one belongs to another address, or is not ready while others ask for the old one, it leaves all the same: nobody
 * waits for ever. Of several that name one node exactly one gets it. What an earlier process attached, and did not say so
 * on the node, is attached again: it may have been detached since (AssociateAddress is idempotent, "Idempotency in the
 * Amazon EC2 API", and its reply is proof where a describe is none).
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { ConditionType, type FailureReason, isFalse, Reason } from "../../domain/Condition.ts"
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
  /** Off a node that it does not name any more, if it leaves that; then it is said why it is not on the one it names. */
  const refuse = (
    leaves: boolean,
    reason: FailureReason,
    message: string,
    tell: (outcome: Status.Outcome) => Decision<Step>
  ): Decision<Step> => {
    const leaving = leaves ? detach(address, o.labelledElsewhere) : undefined
    const verdict = isFalse(NetworkInterfaceAssociated, reason, message)
    return leaving ?? tell(Status.unattached(object, address, verdict))
  }
  /** The node cannot have it. */
  const refuseUntil = (reason: FailureReason, message: string, until: string) =>
    refuse(o.elsewhere !== undefined, reason, message, (outcome) =>
      say(o, object, outcome, Next.awaitChange(until))
    )
  /** The node cannot have it yet: it is left where it is unless that node is asked for. */
  const isAskedFor = o.elsewhere?.isAskedFor === true
  const notYet = (reason: FailureReason, message: string, until: string) =>
    refuse(isAskedFor, reason, message, (outcome) => say(o, object, outcome, Next.awaitChange(until)))
  /** EC2 does not know the node yet; or knows it no more, but the label tells that it did. */
  const notYetKnown = (reason: FailureReason, message: string, why: string) =>
    o.isHidden && object.status.state === "Associated"
      ? perform({ _tag: "Wait", why })
      : refuse(isAskedFor, reason, message, (outcome) => sayAndWait(o, object, outcome, why))
  if (o.node === undefined) {
    return notYet(Reason.NodeNotFound, `node ${nodeName} does not exist`, `node ${nodeName}`)
  }
  if (o.placement === undefined || o.placement._tag === "NotYet") {
    return notYet(
      Reason.NodeNotFound,
      `node ${nodeName} has no providerID yet`,
      `the providerID of ${nodeName}`
    )
  }
  if (o.placement._tag === "Unsupported") {
    return refuseUntil(
      Reason.UnsupportedNode,
      `node ${nodeName} is not an EC2 instance (providerID ${o.placement.providerID})`,
      `another node than ${nodeName}`
    )
  }
  const { instanceId } = o.placement
  const isHere = address.association?.instanceId === instanceId
  const rival = isHere || o.isHidden ? undefined : winnerOver(object, o.rivals)
  if (rival !== undefined) {
    const { name } = rival.externalIP.metadata
    return refuseUntil(
      Reason.NodeAlreadyHasAddress,
      `node ${nodeName} belongs to ExternalIP ${name}`,
      `${name} to leave ${nodeName}`
    )
  }
  const sighting = o.sighting
  if (sighting === undefined || sighting._tag === "Unseen")
    return perform({ _tag: "LookUpInstance", instanceId })
  const isOld = sighting.readAt < o.runBegan
  if (sighting._tag === "Gone") {
    if (isOld) return perform({ _tag: "LookUpInstance", instanceId })
    const message = `EC2 knows no running instance ${instanceId}`
    return notYetKnown(Reason.ProviderError, message, `instance ${instanceId}`)
  }
  if (sighting.isUncertain) return perform({ _tag: "LookUpInstance", instanceId })
  const { instance } = sighting
  if (o.policy.vpcId !== undefined && instance.vpcId !== undefined && instance.vpcId !== o.policy.vpcId) {
    return refuseUntil(
      Reason.OtherVpc,
      `instance ${instanceId} is in ${instance.vpcId}, the operator serves ${o.policy.vpcId} only`,
      `another node than ${nodeName}`
    )
  }
  const chosen = InterfaceChoice.choose(instance, {
    holdingAddress: isHere ? address.association?.networkInterfaceId : undefined,
    inStatus: object.status.networkInterfaceID,
    groupIds: o.groupIds,
    selection: o.policy.interfaceSelection
  })
  const holder = InterfaceChoice.holderOtherThan(address.publicIp, chosen)
  const shownOn = isHere ? address.association?.networkInterfaceId : undefined
  if (shownOn !== undefined && (chosen === undefined || chosen.networkInterfaceId === shownOn)) {
    if (!o.isUnproven) {
      const outcome = Status.associated(object, address, { instanceId, networkInterfaceId: shownOn })
      return say(o, object, outcome, Next.awaitChange())
    }
    if (o.claimant === undefined && holder === undefined)
      return perform({ _tag: "Associate", address, instanceId, networkInterfaceId: shownOn, nodeName })
    // More speaks against it than for it: it is looked for again, and nothing is pushed off.
    if (address.readBegan < o.runBegan)
      return perform({ _tag: "ReadAddress", allocationId: address.allocationId })
  }
  // The label tells what an earlier process did last, and no Elastic IP of ours that is shown there is there still.
  const isStranger = holder !== undefined && !o.ownOnNode.includes(holder)
  if (o.isHidden && chosen !== undefined && !isStranger) {
    const { networkInterfaceId } = chosen
    return perform({ _tag: "Associate", address, instanceId, networkInterfaceId, nodeName })
  }
  if (o.claimant !== undefined) {
    const until = `${o.claimant} to be found or to leave ${nodeName}`
    // Nothing says that it is not there any more.
    if (isHere && object.status.state === "Associated") return perform({ _tag: "Wait", why: until })
    const message = `node ${nodeName} carries the address ${o.claimant}`
    return notYet(Reason.NodeAlreadyHasAddress, message, until)
  }
  if (chosen === undefined) {
    // An instance seen before it had its public IP must be looked at again.
    if (isOld) return perform({ _tag: "LookUpInstance", instanceId })
    const message = `no interface of ${instanceId} has a public IP`
    return notYetKnown(Reason.NoPublicInterface, message, `a public interface on ${instanceId}`)
  }
  if (holder !== undefined) {
    if (isOld) return perform({ _tag: "LookUpInstance", instanceId })
    const message = `interface ${chosen.networkInterfaceId} of ${nodeName} holds the Elastic IP ${holder}`
    return refuse(o.elsewhere !== undefined, Reason.NodeAlreadyHasAddress, message, (outcome) =>
      sayAndWait(o, object, outcome, `${holder} to leave ${chosen.networkInterfaceId}`)
    )
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
