/**
 * What the status of an ExternalIP says for each outcome of its plan.
 * Rule: pure; an address once known is never blanked, and "attached" is said only of an association we hold.
 */
import {
  apply,
  ConditionType,
  type FailureReason,
  isFalse,
  isTrue,
  isUnknown,
  Reason,
  type Verdict
} from "../../domain/Condition.ts"
import * as ExternalIP from "../../domain/ExternalIP.ts"
import { timestamp } from "../../domain/Metadata.ts"
import type { Address } from "../../ec2/Ec2.ts"

const { IPCreated, NetworkInterfaceAssociated, Ready } = ConditionType

export interface Outcome {
  /** Undefined: stays as it is. */
  readonly state: ExternalIP.State | undefined
  /** The address to show; undefined: what status says already. */
  readonly address: Address | undefined
  readonly attachment:
    | { readonly instanceId: string; readonly networkInterfaceId: string }
    | "None"
    /** On none, and the interface that held it last is still the choice. */
    | "Interface"
    /** Stays as it is. */
    | "Unchanged"
  readonly verdicts: ReadonlyArray<Verdict>
}

const created = (address: Address): Verdict =>
  isTrue(IPCreated, `${address.publicIp} is allocated as ${address.allocationId}`)

/** Whatever node it is meant for: what follows the address is where the address is. */
const attachmentOf = (object: ExternalIP.ExternalIP, address: Address): Outcome["attachment"] =>
  address.association === undefined
    ? untilAttached(object)
    : {
        instanceId: address.association.instanceId ?? "",
        networkInterfaceId: address.association.networkInterfaceId
      }

const untilAttached = (object: ExternalIP.ExternalIP): "None" | "Interface" =>
  ExternalIP.nodeName(object) === undefined ? "None" : "Interface"

/** Nothing is done about it. Where its address is, if that is known, is said all the same: rules follow it. */
const stay = (
  object: ExternalIP.ExternalIP,
  address: Address | undefined,
  verdicts: ReadonlyArray<Verdict>
): Outcome => {
  const isDetached = address !== undefined && address.association === undefined
  return {
    state: isDetached && object.status.state === "Associated" ? "Reserved" : undefined,
    address: undefined,
    attachment: address === undefined ? "Unchanged" : attachmentOf(object, address),
    verdicts
  }
}

export const invalid = (object: ExternalIP.ExternalIP, address: Address | undefined, why: string): Outcome =>
  stay(object, address, [isFalse(Ready, Reason.InvalidSpec, why)])

export const disabled = (object: ExternalIP.ExternalIP, address: Address | undefined): Outcome =>
  stay(object, address, [
    isUnknown(Ready, Reason.ReconciliationDisabled, "spec.disableReconciliation is true")
  ])

/** The durable intent: from its lastTransitionTime on, an address may exist that nobody has seen. */
export const allocating = (object: ExternalIP.ExternalIP): Outcome => ({
  state: "Pending",
  address: undefined,
  attachment: untilAttached(object),
  verdicts: [
    isUnknown(IPCreated, Reason.Allocating, "an address is being allocated"),
    isFalse(Ready, Reason.Allocating, "an address is being allocated")
  ]
})

/** EC2 turns the request away for now: the intent stands and the next attempt serves it. */
export const delayed = (object: ExternalIP.ExternalIP, reason: FailureReason, message: string): Outcome =>
  stay(object, undefined, [isFalse(Ready, reason, message)])

/** No address of a lost AllocateAddress showed up within the visibility window. */
export const allocationLost = (object: ExternalIP.ExternalIP): Outcome =>
  stay(object, undefined, [
    isFalse(
      IPCreated,
      Reason.ProviderError,
      "no answer to the last allocation and no address of it is visible: allocating again"
    )
  ])

export const notCreated = (object: ExternalIP.ExternalIP, verdict: Verdict): Outcome => ({
  state: "Pending",
  address: undefined,
  attachment: untilAttached(object),
  verdicts: [verdict, { ...verdict, type: Ready, status: "False" }]
})

export const notOwned = (object: ExternalIP.ExternalIP, address: Address): Outcome => {
  const why = `${address.allocationId} does not carry the tags of this object and cluster; --adopt-cluster-id takes over addresses of another cluster id`
  return stay(object, address, [
    isFalse(IPCreated, Reason.AddressNotOwned, why),
    isFalse(Ready, Reason.AddressNotOwned, why)
  ])
}

/** Allocated; attached to nothing, or about to be attached. */
export const reserved = (object: ExternalIP.ExternalIP, address: Address): Outcome => {
  const isAsked = ExternalIP.nodeName(object) !== undefined
  const settled = !isAsked && address.association === undefined
  return {
    state: "Reserved",
    address,
    attachment: attachmentOf(object, address),
    verdicts: settled
      ? [
          created(address),
          isFalse(NetworkInterfaceAssociated, Reason.NotRequested, "spec.nodeName is not set"),
          isTrue(Ready, `${address.publicIp} is reserved`)
        ]
      : [created(address)]
  }
}

/** Allocated, and it is said why it is not attached to the node asked for. */
export const unattached = (object: ExternalIP.ExternalIP, address: Address, verdict: Verdict): Outcome => ({
  state: "Reserved",
  address,
  attachment: attachmentOf(object, address),
  verdicts: [created(address), verdict, { ...verdict, type: Ready, status: "False" }]
})

export const associated = (
  object: ExternalIP.ExternalIP,
  address: Address,
  attachment: { readonly instanceId: string; readonly networkInterfaceId: string }
): Outcome => {
  const where = `${address.publicIp} is attached to ${attachment.networkInterfaceId} of ${ExternalIP.nodeName(object)} (${attachment.instanceId})`
  return {
    state: "Associated",
    address,
    attachment,
    verdicts: [created(address), isTrue(NetworkInterfaceAssociated, where), isTrue(Ready, where)]
  }
}

export const stuckDeleting = (
  object: ExternalIP.ExternalIP,
  address: Address,
  reason: FailureReason,
  message: string
): Outcome =>
  stay(object, address, [isFalse(Ready, reason === Reason.ProviderError ? Reason.Deleting : reason, message)])

/** The whole status after an outcome. `now` is in epoch milliseconds. */
export const render = (object: ExternalIP.ExternalIP, outcome: Outcome, now: number): ExternalIP.Status => {
  const before = object.status
  const attachment = ((): Pick<ExternalIP.Status, "instanceID" | "networkInterfaceID"> => {
    const { instanceID, networkInterfaceID } = before
    const onInterface = networkInterfaceID === undefined ? {} : { networkInterfaceID }
    if (outcome.attachment === "None") return {}
    if (outcome.attachment === "Interface") return onInterface
    if (outcome.attachment === "Unchanged")
      return { ...(instanceID === undefined ? {} : { instanceID }), ...onInterface }
    return {
      instanceID: outcome.attachment.instanceId,
      networkInterfaceID: outcome.attachment.networkInterfaceId
    }
  })()
  const addressID = outcome.address?.allocationId ?? before.addressID
  const publicIPAddress = outcome.address?.publicIp ?? before.publicIPAddress
  return {
    state: outcome.state ?? before.state ?? "Pending",
    ...(addressID === undefined ? {} : { addressID }),
    ...(publicIPAddress === undefined ? {} : { publicIPAddress }),
    ...attachment,
    observedGeneration: Math.max(before.observedGeneration ?? 0, object.metadata.generation),
    conditions: apply(before.conditions ?? [], outcome.verdicts, {
      now: timestamp(now),
      generation: object.metadata.generation
    })
  }
}
