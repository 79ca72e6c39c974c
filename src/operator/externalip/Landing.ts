/**
 * The interface that an address is to be on, and what may be there already.
 * Rule: never onto an interface that holds another address; off the old node (label first) before on the new one. What an
 * earlier process attached, and did not say so on the node, is attached again: it may have been detached since
 * (AssociateAddress is idempotent, "Idempotency in the Amazon EC2 API", and its reply is proof where a describe is none).
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { Reason } from "../../domain/Condition.ts"
import type { Instance, NetworkInterface } from "../../ec2/Ec2.ts"
import * as InterfaceChoice from "../InterfaceChoice.ts"
import { detach } from "./Detachment.ts"
import { refuse, refuseUnknown, type Task } from "./Refusal.ts"
import * as Status from "./Status.ts"
import { perform, type Step, say } from "./Step.ts"

interface Landing extends Task {
  readonly instanceId: string
  /** The instance was read before this run: not to be relied on where it does not suffice. */
  readonly isOld: boolean
  readonly chosen: NetworkInterface | undefined
  /** The interface of the instance that EC2 shows with the address. */
  readonly shownOn: string | undefined
  /** Another Elastic IP that the chosen interface is shown with. */
  readonly holder: string | undefined
}

/** @param isOld the instance was read before this run */
export const land = (task: Task, instance: Instance, isOld: boolean): Decision<Step> => {
  const { address, o, object } = task
  const { instanceId } = instance
  const isHere = address.association?.instanceId === instanceId
  const shownOn = isHere ? address.association?.networkInterfaceId : undefined
  const chosen = InterfaceChoice.choose(instance, {
    holdingAddress: shownOn,
    inStatus: object.status.networkInterfaceID,
    groupIds: o.groupIds,
    selection: o.policy.interfaceSelection
  })
  const holder = InterfaceChoice.holderOtherThan(address.publicIp, chosen)
  const landing: Landing = { ...task, instanceId, isOld, chosen, shownOn, holder }
  return asShown(landing) ?? asLabelled(landing) ?? besideClaim(landing) ?? whereFree(landing)
}

const associate = ({ address, instanceId, nodeName }: Landing, networkInterfaceId: string): Decision<Step> =>
  perform({ _tag: "Associate", address, instanceId, networkInterfaceId, nodeName })

/** EC2 shows it where it is to be: done, unless an earlier process may have taken it off since. */
const asShown = (landing: Landing): Decision<Step> | undefined => {
  const { address, chosen, holder, instanceId, o, object, shownOn } = landing
  if (shownOn === undefined || (chosen !== undefined && chosen.networkInterfaceId !== shownOn))
    return undefined
  if (!o.isUnproven) {
    const outcome = Status.associated(object, address, { instanceId, networkInterfaceId: shownOn })
    return say(o, object, outcome, Next.awaitChange())
  }
  if (o.claimant === undefined && holder === undefined) return associate(landing, shownOn)
  // More speaks against it than for it: it is looked for again, and nothing is pushed off.
  return address.readBegan < o.runBegan
    ? perform({ _tag: "ReadAddress", allocationId: address.allocationId })
    : undefined
}

/** The label tells what an earlier process did last, and no Elastic IP of ours that is shown there is there still. */
const asLabelled = (landing: Landing): Decision<Step> | undefined => {
  const { chosen, holder, o } = landing
  const isStranger = holder !== undefined && !o.ownOnNode.includes(holder)
  return o.isHidden && chosen !== undefined && !isStranger
    ? associate(landing, chosen.networkInterfaceId)
    : undefined
}

/** The label of another address: that may be there, whether EC2 shows it or not. */
const besideClaim = (landing: Landing): Decision<Step> | undefined => {
  const { nodeName, o, object, shownOn } = landing
  if (o.claimant === undefined) return undefined
  const until = `${o.claimant} to be found or to leave ${nodeName}`
  // Nothing says that it is not there any more.
  if (shownOn !== undefined && object.status.state === "Associated")
    return perform({ _tag: "Wait", why: until })
  return refuse(landing, {
    reason: Reason.NodeAlreadyHasAddress,
    message: `node ${nodeName} carries the address ${o.claimant}`,
    until,
    isPassing: true,
    isSilent: false
  })
}

const whereFree = (landing: Landing): Decision<Step> => {
  const { address, chosen, holder, instanceId, isOld, nodeName, o } = landing
  // An instance that was seen before it had its public IP, or before the other address left, must be looked at again.
  if (isOld && (chosen === undefined || holder !== undefined))
    return perform({ _tag: "LookUpInstance", instanceId })
  if (chosen === undefined) {
    return refuseUnknown(landing, {
      reason: Reason.NoPublicInterface,
      message: `no interface of ${instanceId} has a public IP`,
      until: `a public interface on ${instanceId}`
    })
  }
  const { networkInterfaceId } = chosen
  if (holder !== undefined) {
    return refuse(landing, {
      reason: Reason.NodeAlreadyHasAddress,
      message: `interface ${networkInterfaceId} of ${nodeName} holds the Elastic IP ${holder}`,
      until: `${holder} to leave ${networkInterfaceId}`,
      isPassing: false,
      isSilent: true
    })
  }
  return detach(address, o.labelledElsewhere) ?? associate(landing, networkInterfaceId)
}
