/**
 * What keeps an address from the node that its ExternalIP names, and what becomes of it meanwhile.
 * Rule: off the node that it leaves first, then it is said why it is not on the one that is named. Where that one can not
 * have it, or is not ready while others ask for the one that it is on, it leaves all the same: nobody waits for ever.
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { ConditionType, type FailureReason, isFalse } from "../../domain/Condition.ts"
import type * as ExternalIP from "../../domain/ExternalIP.ts"
import type { AddressRecord } from "../../ec2/Inventory.ts"
import { detach } from "./Detachment.ts"
import * as Status from "./Status.ts"
import { type Observed, perform, type Step, say, sayAndWait } from "./Step.ts"

/** This address is to be on that node. */
export interface Task {
  readonly o: Observed
  readonly object: ExternalIP.ExternalIP
  readonly address: AddressRecord
  readonly nodeName: string
}

export interface Refusal {
  readonly reason: FailureReason
  readonly message: string
  /** What must come, in a few words. */
  readonly until: string
  /** The node may be ready any moment: the address stays where it is, unless that node is asked for. */
  readonly isPassing: boolean
  /** Nothing is sure to wake us when it has come: looked at again, ever slower. */
  readonly isSilent: boolean
}

export const refuse = (
  task: Task,
  { isPassing, isSilent, message, reason, until }: Refusal
): Decision<Step> => {
  const { address, o, object } = task
  const leaves = isPassing ? o.elsewhere?.isAskedFor === true : o.elsewhere !== undefined
  const leaving = leaves ? detach(address, o.labelledElsewhere) : undefined
  if (leaving !== undefined) return leaving
  const verdict = isFalse(ConditionType.NetworkInterfaceAssociated, reason, message)
  const outcome = Status.unattached(object, address, verdict)
  return isSilent ? sayAndWait(o, object, outcome, until) : say(o, object, outcome, Next.awaitChange(until))
}

/** EC2 does not know of the node what it takes; where the label tells that it did, what was said of it stands. */
export const refuseUnknown = (
  task: Task,
  refusal: Pick<Refusal, "reason" | "message" | "until">
): Decision<Step> =>
  task.o.isHidden && task.object.status.state === "Associated"
    ? perform({ _tag: "Wait", why: refusal.until })
    : refuse(task, { ...refusal, isPassing: true, isSilent: true })
