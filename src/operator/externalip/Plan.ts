/**
 * What to do next for one ExternalIP, from what is known of it in both worlds.
 * Rule: pure and total. One step at a time, each safe to repeat: a crash after any of them resumes here.
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { ConditionType, isFalse, isUnknown, Reason } from "../../domain/Condition.ts"
import * as ExternalIP from "../../domain/ExternalIP.ts"
import { externalIPFinalizer, Tag } from "../../domain/Names.ts"
import * as Finalizer from "../../kubernetes/Finalizer.ts"
import { isSameStatus } from "../StatusPatch.ts"
import { intentOf, isOurs, own, pick, recover, stillMissing } from "./Allocation.ts"
import { attach } from "./Attachment.ts"
import { detach } from "./Detachment.ts"
import * as Status from "./Status.ts"
import { type Observed, perform, type Step, say, settled } from "./Step.ts"

export { intentIn, intentOf, pick } from "./Allocation.ts"
export type { Memory, Observed, Policy, Rival, Step } from "./Step.ts"

const { IPCreated, NetworkInterfaceAssociated } = ConditionType

/** The one step to take now, or that there is none. */
export const decide = (o: Observed): Decision<Step> => {
  const object = o.object
  if (object === undefined) return settled(Next.stop)
  return Finalizer.guard(object.metadata, externalIPFinalizer, {
    absent: () => hold(o, object) ?? perform({ _tag: "AddFinalizer" }),
    live: () => hold(o, object) ?? own(o, object, (address) => attach(o, object, address)),
    cleanup: () => cleanUp(o, object),
    release: () => perform({ _tag: "RemoveFinalizer" }),
    gone: () => settled(Next.stop)
  })
}

/** Why nothing may be done for an object now; undefined where there is no reason. */
const hold = (o: Observed, object: ExternalIP.ExternalIP): Decision<Step> | undefined => {
  const address = pick(o.addresses, object.status.addressID) ?? o.statusAddress
  if (object.spec._tag === "Failure") {
    const outcome = Status.invalid(object, address, object.spec.failure)
    return say(o, object, outcome, Next.awaitChange("a valid spec"))
  }
  return ExternalIP.isDisabled(object)
    ? say(o, object, Status.disabled(object, address), Next.awaitChange("reconciliation to be enabled"))
    : undefined
}

/** Detach, release unless it is to be kept; undefined once nothing is left to do. */
const cleanUp = (o: Observed, object: ExternalIP.ExternalIP): Decision<Step> | undefined => {
  const { name, uid } = object.metadata
  const inStatus = object.status.addressID
  const uncertain = o.addresses.find((a) => a.isUncertain)
  if (uncertain !== undefined) return perform({ _tag: "ReadAddress", allocationId: uncertain.allocationId })
  const isForeign = o.statusAddress !== undefined && !isOurs(o, o.statusAddress, name)
  const ours = o.addresses
  const intent = intentOf(object)
  if (ours.length === 0 && inStatus !== undefined && !isForeign && intent === undefined) {
    const missing = stillMissing(o, object, inStatus)
    if (missing !== undefined) return missing
  }
  const isOutcomeKnown = o.memory.isIntentUnsent || o.memory.isIntentAnswered
  if (ours.length === 0 && intent !== undefined && !isOutcomeKnown) {
    const recovering = recover(o, object, intent)
    if (recovering !== undefined) return recovering
  }
  const labelled = o.isLabelled
    ? [...o.labelledElsewhere, ExternalIP.nodeName(object) ?? ""]
    : o.labelledElsewhere
  const main = pick(ours, inStatus)
  for (const address of ours) {
    const isMain = address.allocationId === main?.allocationId
    // An extra address that was not made for this very object is reported, never touched.
    if (!isMain && address.tags[Tag.uid] !== uid) continue
    if (!isMain && address.association !== undefined) continue
    const leaving = detach(address, labelled)
    if (leaving !== undefined) return leaving
    if (!isMain || !ExternalIP.isKept(object)) return perform({ _tag: "Release", address, isExtra: !isMain })
  }
  // A request that was delivered twice bought an address that no reply told of: the last chance to find it.
  const wasAllocated = inStatus !== undefined || intent !== undefined
  return wasAllocated && !o.memory.isSearched ? perform({ _tag: "ReadAddresses" }) : undefined
}

/** Of an association that is there already, as EC2 or the label of the node says. */
const isProof = (o: Observed, step: Step): boolean =>
  step._tag === "Associate" &&
  (o.isHidden || step.address.association?.networkInterfaceId === step.networkInterfaceId)

/** What a failed step says in the status; undefined where the status stays as it is. */
export const failureStatus = (
  o: Observed,
  step: Step,
  failure: {
    readonly reason: (typeof Reason)[keyof typeof Reason]
    readonly message: string
    readonly isAmbiguous: boolean
  }
): ExternalIP.Status | undefined => {
  const object = o.object
  if (object === undefined) return undefined
  const outcome = ((): Status.Outcome | undefined => {
    switch (step._tag) {
      case "Allocate":
        // The outcome is unknown: the intent must stay, it is what makes the recovery wait.
        if (failure.isAmbiguous) return undefined
        // Nothing was done and the same intent serves the next attempt.
        if (failure.reason === Reason.Throttled) {
          return Status.delayed(object, failure.reason, failure.message)
        }
        return Status.notCreated(object, isFalse(IPCreated, failure.reason, failure.message))
      case "Associate":
      case "Disassociate":
      case "LookUpInstance": {
        const address = pick(o.addresses, object.status.addressID)
        if (address === undefined || ExternalIP.isDeleting(object)) return undefined
        // A look that failed says nothing about an attachment that stands, and neither does a proof.
        const isLook = step._tag === "LookUpInstance" || isProof(o, step)
        if (isLook && object.status.state === "Associated") return undefined
        const verdict = isFalse(NetworkInterfaceAssociated, failure.reason, failure.message)
        return Status.unattached(object, address, verdict)
      }
      case "Release":
        return step.isExtra
          ? undefined
          : Status.stuckDeleting(object, step.address, failure.reason, failure.message)
      case "TagAddress":
        return Status.unattached(
          object,
          step.address,
          isUnknown(NetworkInterfaceAssociated, failure.reason, failure.message)
        )
      default:
        return undefined
    }
  })()
  if (outcome === undefined) return undefined
  const status = Status.render(object, outcome, o.now)
  return isSameStatus(object.status, status) ? undefined : status
}
