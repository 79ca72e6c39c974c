/**
 * What to do next for one ExternalIP, from what is known of it in both worlds.
 * Rule: pure and total. One step at a time, each safe to repeat: a crash after any of them resumes here.
 */
import { Duration } from "effect"
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { ConditionType, find, isFalse, isUnknown, Reason, type Verdict } from "../../domain/Condition.ts"
import * as ExternalIP from "../../domain/ExternalIP.ts"
import { byAge } from "../../domain/Metadata.ts"
import { addressTags, externalIPFinalizer, Tag, type Tags } from "../../domain/Names.ts"
import type { Node, Placement } from "../../domain/Node.ts"
import { type AddressRecord, type InstanceSighting, visibilityWindow } from "../../ec2/Inventory.ts"
import * as Finalizer from "../../kubernetes/Finalizer.ts"
import * as InterfaceChoice from "../InterfaceChoice.ts"
import type { InterfaceSelection } from "../Settings.ts"
import { isSameStatus } from "../StatusPatch.ts"
import * as Status from "./Status.ts"

/** When to look for an address whose allocation may have been lost on the way (seconds since the intent). */
const recoveryReads: ReadonlyArray<number> = [2, 5, 10, 30, 60, 120]

const { IPCreated, NetworkInterfaceAssociated } = ConditionType

export interface Rival {
  readonly externalIP: ExternalIP.ExternalIP
  /** Its address is attached to the contested instance. */
  readonly isAttached: boolean
}

export interface Observed {
  readonly now: number
  /** When this run of the actor began: what was read before is read again where it does not suffice. */
  readonly runBegan: number
  readonly object: ExternalIP.ExternalIP | undefined
  /** Addresses tagged for this object with our cluster id, or one that is adopted. */
  readonly addresses: ReadonlyArray<AddressRecord>
  /** The address named in status, whatever its tags; undefined while the mirror does not hold it. */
  readonly statusAddress: AddressRecord | undefined
  /** We released the address in status: its absence needs no proof. */
  readonly isStatusAddressReleased: boolean
  /** When the address in status was last asked for by id, if it was not found. */
  readonly statusAddressMissingSince: number | undefined
  /** The node that spec names. */
  readonly node: Node | undefined
  readonly placement: Placement | undefined
  readonly sighting: InstanceSighting | undefined
  readonly rivals: ReadonlyArray<Rival>
  /** Nodes other than the one named that carry the label of this address. */
  readonly labelledElsewhere: ReadonlyArray<string>
  /** The named node carries the label of this address. */
  readonly isLabelled: boolean
  /** Ids of the groups of ours for the named node: the address goes where the group is. */
  readonly groupIds: ReadonlyArray<string>
  readonly memory: Memory
  readonly policy: Policy
}

export interface Policy {
  readonly clusterId: string
  readonly adoptClusterIds: ReadonlyArray<string>
  readonly extraTags: Tags
  readonly vpcId: string | undefined
  readonly interfaceSelection: InterfaceSelection
}

/** What this process remembers of its own doing, and a restart may forget: then it waits longer, no more. */
export interface Memory {
  /** The intent in status was written by this process and AllocateAddress was not sent since. */
  readonly isIntentUnsent: boolean
  /** When the last look-up by tag began that found nothing. */
  readonly lastEmptyRead: number | undefined
}

export type Step =
  | { readonly _tag: "AddFinalizer" }
  | { readonly _tag: "RemoveFinalizer" }
  | { readonly _tag: "WriteStatus"; readonly status: ExternalIP.Status }
  /** Describe the address named in status by its id. */
  | { readonly _tag: "ReadAddress"; readonly allocationId: string }
  /** Describe by tag: was it allocated after all? */
  | { readonly _tag: "ReadAddresses" }
  /** Status says `Allocating` from here on: the durable intent. */
  | { readonly _tag: "Intend"; readonly status: ExternalIP.Status }
  | { readonly _tag: "Allocate"; readonly tags: Tags }
  | { readonly _tag: "TagAddress"; readonly address: AddressRecord; readonly tags: Tags }
  | { readonly _tag: "LookUpInstance"; readonly instanceId: string }
  | {
      readonly _tag: "Associate"
      readonly address: AddressRecord
      readonly instanceId: string
      readonly networkInterfaceId: string
      readonly nodeName: string
    }
  | { readonly _tag: "Disassociate"; readonly address: AddressRecord; readonly associationId: string }
  | { readonly _tag: "Release"; readonly address: AddressRecord; readonly isExtra: boolean }
  /** Nothing more can be done now; look again, ever slower. */
  | { readonly _tag: "Wait"; readonly why: string }

const perform = (step: Step): Decision<Step> => ({ _tag: "Perform", step })
const settled = (next: Next.Next): Decision<Step> => ({ _tag: "Settled", next })

/** The one step to take now, or that there is none. */
export const decide = (o: Observed): Decision<Step> => {
  const object = o.object
  if (object === undefined) return settled(Next.stop)
  return Finalizer.guard(object.metadata, externalIPFinalizer, {
    absent: () => hold(o, object) ?? perform({ _tag: "AddFinalizer" }),
    live: () => hold(o, object) ?? own(o, object),
    cleanup: () => cleanUp(o, object),
    release: () => perform({ _tag: "RemoveFinalizer" }),
    gone: () => settled(Next.stop)
  })
}

/** Why nothing may be done for an object now; undefined where there is no reason. */
const hold = (o: Observed, object: ExternalIP.ExternalIP): Decision<Step> | undefined => {
  if (object.spec._tag === "Failure") {
    return say(o, object, Status.invalid(object, object.spec.failure), Next.awaitChange("a valid spec"))
  }
  return ExternalIP.isDisabled(object)
    ? say(o, object, Status.disabled(object), Next.awaitChange("reconciliation to be enabled"))
    : undefined
}

/** Writes the status where it differs, then settles. */
const say = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  outcome: Status.Outcome,
  next: Next.Next
): Decision<Step> => {
  const status = Status.render(object, outcome, o.now)
  return isSameStatus(object.status, status) ? settled(next) : perform({ _tag: "WriteStatus", status })
}

/** The same, but nobody is sure to wake us: look again, ever slower. */
const sayAndWait = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  outcome: Status.Outcome,
  why: string
): Decision<Step> => {
  const said = say(o, object, outcome, Next.awaitChange(why))
  return said._tag === "Settled" ? perform({ _tag: "Wait", why }) : said
}

const isOurs = (o: Observed, address: AddressRecord, name: string): boolean =>
  address.tags[Tag.externalIPName] === name &&
  (address.tags[Tag.clusterId] === o.policy.clusterId ||
    o.policy.adoptClusterIds.includes(address.tags[Tag.clusterId] ?? ""))

// ---------------------------------------------------------------------------------------------- the address

/** The one in status, else the attached one, else the smallest allocation id. */
export const pick = (
  addresses: ReadonlyArray<AddressRecord>,
  inStatus: string | undefined
): AddressRecord | undefined => {
  const sorted = addresses.toSorted((a, b) => (a.allocationId < b.allocationId ? -1 : 1))
  return (
    sorted.find((a) => a.allocationId === inStatus) ??
    sorted.find((a) => a.association !== undefined) ??
    sorted[0]
  )
}

/** Ensures that the object has one address, tagged, then goes on to attach it. */
const own = (o: Observed, object: ExternalIP.ExternalIP): Decision<Step> => {
  const { name } = object.metadata
  const inStatus = object.status.addressID
  const foreign = o.statusAddress !== undefined && !isOurs(o, o.statusAddress, name)
  if (foreign && o.statusAddress !== undefined) {
    return sayAndWait(o, object, Status.notOwned(object, o.statusAddress), `${inStatus} is not ours`)
  }
  const address = pick(o.addresses, inStatus)
  // With an intent in status, the address named there was proven to be gone before the intent was written.
  const isUnproven = inStatus !== undefined && o.statusAddress === undefined && intentOf(object) === undefined
  if (isUnproven && address?.allocationId !== inStatus) {
    const missing = stillMissing(o, object, inStatus)
    if (missing !== undefined) return missing
  }
  if (address === undefined) return allocate(o, object)
  if (address.isUncertain) return perform({ _tag: "ReadAddress", allocationId: address.allocationId })
  const tags = missingTags(o, object, address)
  if (tags !== undefined) return perform({ _tag: "TagAddress", address, tags })
  const extra = o.addresses.find((a) => isReleasableExtra(object, address, a))
  if (extra !== undefined) return perform({ _tag: "Release", address: extra, isExtra: true })
  // Reserved is written before attaching: a restart knows the address without asking EC2.
  if (
    object.status.addressID !== address.allocationId ||
    object.status.publicIPAddress !== address.publicIp
  ) {
    const status = Status.render(object, Status.reserved(object, address), o.now)
    return perform({ _tag: "WriteStatus", status })
  }
  return attach(o, object, address)
}

/**
 * Status names an address the mirror does not hold. An empty describe is no proof inside the visibility window
 * (EC2 is eventually consistent): undefined once it is proven to be gone, else what to do about it.
 */
const stillMissing = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  allocationId: string
): Decision<Step> | undefined => {
  if (o.isStatusAddressReleased) return undefined
  const read = o.statusAddressMissingSince
  if (read === undefined || read < o.runBegan) return perform({ _tag: "ReadAddress", allocationId })
  const since = Date.parse(find(object.status.conditions ?? [], IPCreated)?.lastTransitionTime ?? "")
  const age = o.now - (Number.isNaN(since) ? 0 : since)
  return age < Duration.toMillis(visibilityWindow)
    ? settled(Next.requeueAfter(Duration.seconds(5), `${allocationId} to become visible in EC2`))
    : undefined
}

/** Tags of ours that the address lacks or that name another cluster or object: added, once. */
const missingTags = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  address: AddressRecord
): Tags | undefined => {
  const wanted = addressTags({
    clusterId: o.policy.clusterId,
    name: object.metadata.name,
    uid: object.metadata.uid,
    extra: {}
  })
  // Name and the extra tags are what we make resources with; an edit by hand is left alone.
  const { [Tag.name]: displayName, ...identity } = wanted
  const missing = Object.entries(identity).filter(([key, value]) => address.tags[key] !== value)
  if (missing.length === 0) return undefined
  const dress = Object.entries({ ...o.policy.extraTags, [Tag.name]: displayName ?? "" }).filter(
    ([key]) => address.tags[key] === undefined
  )
  return Object.fromEntries([...dress, ...missing])
}

/** A second address for this object: let go only when nobody uses it and it was made for this very object. */
export const isReleasableExtra = (
  object: ExternalIP.ExternalIP,
  kept: AddressRecord,
  other: AddressRecord
): boolean =>
  other.allocationId !== kept.allocationId &&
  other.association === undefined &&
  !other.isUncertain &&
  other.tags[Tag.uid] === object.metadata.uid

/** The time of the intent in status (milliseconds), or undefined where there is none. */
export const intentOf = (object: ExternalIP.ExternalIP): number | undefined => {
  const created = find(object.status.conditions ?? [], IPCreated)
  return created?.status === "Unknown" && created.reason === Reason.Allocating
    ? Date.parse(created.lastTransitionTime)
    : undefined
}

/**
 * No address is known. AllocateAddress takes no client token: a lost reply leaves an address that only a
 * describe by tag can find, so the intent is written first and an unanswered one is waited out.
 */
const allocate = (o: Observed, object: ExternalIP.ExternalIP): Decision<Step> => {
  const intent = intentOf(object)
  if (intent === undefined) {
    const status = Status.render(object, Status.allocating(object), o.now)
    return perform({ _tag: "Intend", status })
  }
  if (o.memory.isIntentUnsent) {
    const tags = addressTags({
      clusterId: o.policy.clusterId,
      name: object.metadata.name,
      uid: object.metadata.uid,
      extra: o.policy.extraTags
    })
    return perform({ _tag: "Allocate", tags })
  }
  return recover(o, object, intent) ?? say(o, object, Status.allocationLost(object), Next.awaitChange())
}

/** Looks for what an unanswered AllocateAddress made; undefined once the window has passed without a trace. */
const recover = (o: Observed, object: ExternalIP.ExternalIP, intent: number): Decision<Step> | undefined => {
  const dueReads = recoveryReads.map((s) => intent + s * 1000).filter((at) => at <= o.now)
  const due = dueReads.at(-1)
  const last = o.memory.lastEmptyRead
  if (due !== undefined && (last === undefined || last < due)) return perform({ _tag: "ReadAddresses" })
  const end = intent + Duration.toMillis(visibilityWindow)
  if (o.now >= end) return undefined
  const next = recoveryReads.map((s) => intent + s * 1000).find((at) => at > o.now) ?? end
  return settled(
    Next.requeueAfter(
      Duration.millis(next - o.now),
      `the outcome of AllocateAddress for ${object.metadata.name}`
    )
  )
}

// -------------------------------------------------------------------------------------------- the attachment

const attach = (o: Observed, object: ExternalIP.ExternalIP, address: AddressRecord): Decision<Step> => {
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
const detach = (address: AddressRecord, labelled: ReadonlyArray<string>): Decision<Step> | undefined => {
  if (address.association === undefined) return undefined
  if (labelled.length > 0) {
    return settled(Next.awaitChange(`the label of ${address.publicIp} to leave ${labelled.join(", ")}`))
  }
  return perform({ _tag: "Disassociate", address, associationId: address.association.associationId })
}

// ------------------------------------------------------------------------------------------------- deletion

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
  if (ours.length === 0 && intent !== undefined && !o.memory.isIntentUnsent) {
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
  return undefined
}

// -------------------------------------------------------------------------------------------------- failures

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
        // A look that failed says nothing about an attachment that stands.
        if (step._tag === "LookUpInstance" && object.status.state === "Associated") return undefined
        const verdict = isFalse(NetworkInterfaceAssociated, failure.reason, failure.message)
        return Status.unattached(object, address, verdict)
      }
      case "Release":
        return step.isExtra ? undefined : Status.stuckDeleting(object, failure.reason, failure.message)
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
