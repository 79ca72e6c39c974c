/**
 * The address of an ExternalIP: found, taken over, bought, and bought once.
 * Rule: AllocateAddress takes no client token, so the intent is written before it is sent, and one that was not
 * answered is waited out before another is sent.
 */
import { Duration } from "effect"
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import { ConditionType, find, Reason } from "../../domain/Condition.ts"
import type * as ExternalIP from "../../domain/ExternalIP.ts"
import { addressTags, Tag, type Tags } from "../../domain/Names.ts"
import { type AddressRecord, visibilityWindow } from "../../ec2/Inventory.ts"
import * as Status from "./Status.ts"
import { type Observed, perform, type Step, say, sayAndWait, settled } from "./Step.ts"

/** When to look for an address whose allocation may have been lost on the way (seconds since the intent). */
const recoveryReads: ReadonlyArray<number> = [2, 5, 10, 30, 60, 120]

const { IPCreated } = ConditionType

export const isOurs = (o: Observed, address: AddressRecord, name: string): boolean =>
  address.tags[Tag.externalIPName] === name &&
  (address.tags[Tag.clusterId] === o.policy.clusterId ||
    o.policy.adoptClusterIds.includes(address.tags[Tag.clusterId] ?? ""))

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

/**
 * Ensures that the object has one address, tagged and in its status; then `next` decides what to do with it. Extra ones
 * go when there is nothing else to do: that one cannot be released keeps no other from where it belongs.
 */
export const own = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  next: (address: AddressRecord) => Decision<Step>
): Decision<Step> => {
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
  // Reserved is written before attaching: a restart knows the address without asking EC2.
  if (
    object.status.addressID !== address.allocationId ||
    object.status.publicIPAddress !== address.publicIp
  ) {
    const status = Status.render(object, Status.reserved(object, address), o.now)
    return perform({ _tag: "WriteStatus", status })
  }
  const decision = next(address)
  const isIdle = decision._tag === "Settled" || decision.step._tag === "Wait"
  return (isIdle ? releaseExtra(o, object, address) : undefined) ?? decision
}

const releaseExtra = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  kept: AddressRecord
): Decision<Step> | undefined => {
  // Its release may have been lost on the way.
  const uncertain = o.addresses.find((a) => a.isUncertain)
  if (uncertain !== undefined) return perform({ _tag: "ReadAddress", allocationId: uncertain.allocationId })
  const extra = o.addresses.find((a) => isReleasableExtra(object, kept, a))
  return extra === undefined ? undefined : perform({ _tag: "Release", address: extra, isExtra: true })
}

/**
 * Status names an address the mirror does not hold. An empty describe is no proof inside the visibility window
 * (EC2 is eventually consistent): undefined once it is proven to be gone, else what to do about it.
 */
export const stillMissing = (
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

/** The time of the intent in a status (milliseconds), or undefined where there is none. */
export const intentIn = (status: ExternalIP.Status): number | undefined => {
  const created = find(status.conditions ?? [], IPCreated)
  return created?.status === "Unknown" && created.reason === Reason.Allocating
    ? Date.parse(created.lastTransitionTime)
    : undefined
}

export const intentOf = (object: ExternalIP.ExternalIP): number | undefined => intentIn(object.status)

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
export const recover = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  intent: number
): Decision<Step> | undefined => {
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
