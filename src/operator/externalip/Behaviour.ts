/**
 * The actor of one ExternalIP: observes both mirrors, lets the plan decide, performs one call at a time.
 * Rule: the only writer of the Elastic IP tagged for the object, of its association, and of the object's
 * finalizer and status.
 */
import { Clock, Duration, Effect } from "effect"
import type { Behaviour } from "../../actor/ActorSystem.ts"
import { reconcile } from "../../actor/Reconcile.ts"
import type { DoneReason } from "../../domain/EventReason.ts"
import * as ExternalIP from "../../domain/ExternalIP.ts"
import { externalIPFinalizer } from "../../domain/Names.ts"
import type { Node } from "../../domain/Node.ts"
import { Ec2 } from "../../ec2/Ec2.ts"
import { type Ec2Error, isAmbiguous } from "../../ec2/Ec2Error.ts"
import { Urgency } from "../../ec2/Governor.ts"
import { type AddressRecord, visibilityWindow } from "../../ec2/Inventory.ts"
import { Events, type Regarding } from "../../kubernetes/Events.ts"
import { withFinalizer, withoutFinalizer } from "../../kubernetes/Finalizer.ts"
import { newTrouble } from "../Announcement.ts"
import * as Claims from "../Claims.ts"
import { Cluster } from "../Cluster.ts"
import { describe, type Failure, isWorthTelling, NotYet, reasonOf } from "../Failure.ts"
import type { ActorRef } from "../Kinds.ts"
import { Mirrors } from "../Mirrors.ts"
import { Settings } from "../Settings.ts"
import { statusPatch } from "../StatusPatch.ts"
import * as Plan from "./Plan.ts"

const mutations: ReadonlySet<Plan.Step["_tag"]> = new Set([
  "Allocate",
  "Associate",
  "Disassociate",
  "Release",
  "TagAddress"
])

/** By object UID, so that an object made again under the same name starts with a blank memory. */
interface Memory {
  /**
   * The time of the intent that this process wrote, or tried to, and has not acted on. One in a status with another
   * time is somebody else's: perhaps it was acted on.
   */
  readonly unsentIntents: Map<string, number>
  /** The time of the intent whose allocation was answered with an address. */
  readonly answeredIntents: Map<string, number>
  readonly emptyReads: Map<string, number>
  /** Of these a look-up by tag began after the last write to EC2. */
  readonly searched: Set<string>
  /** When an address named in status was asked for by id and not found. */
  readonly missing: Map<string, number>
}

export const make = Effect.gen(function* () {
  const cluster = yield* Cluster
  const ec2 = yield* Ec2
  const events = yield* Events
  const mirrors = yield* Mirrors
  const settings = yield* Settings
  const { inventory } = mirrors
  const claimsOn = Claims.make(mirrors, settings)
  const memory: Memory = {
    unsentIntents: new Map(),
    answeredIntents: new Map(),
    emptyReads: new Map(),
    searched: new Set(),
    missing: new Map()
  }

  /** Of the intent that is in status now. */
  const isAbout = (
    intents: ReadonlyMap<string, number>,
    object: ExternalIP.ExternalIP | undefined
  ): boolean => {
    const intent = object === undefined ? undefined : Plan.intentOf(object)
    return object !== undefined && intent !== undefined && intents.get(object.metadata.uid) === intent
  }

  const observe = (name: string, runBegan: number, now: number): Plan.Observed => {
    const object = mirrors.externalIPs.get(name)
    const nodeName = object === undefined ? undefined : ExternalIP.nodeName(object)
    const node = nodeName === undefined ? undefined : mirrors.nodes.get(nodeName)
    const placement = node === undefined ? undefined : settings.placementOf(node)
    const instanceId = placement?._tag === "Instance" ? placement.instanceId : undefined
    const uid = object?.metadata.uid ?? ""
    const inStatus = object?.status.addressID
    const addresses = inventory.addressesOf(name)
    const address = Plan.pick(addresses, inStatus)
    const publicIp = address?.publicIp
    const carriers = mirrors.nodes.find("instance", address?.association?.instanceId ?? "")
    const isNamed = carriers.some((n) => n.name === nodeName)
    const isAskedFor = (node: Node): boolean =>
      mirrors.externalIPs
        .find("node", node.name)
        .some((e) => e.metadata.name !== name && !ExternalIP.isDeleting(e) && !ExternalIP.isDisabled(e))
    const labelled = publicIp === undefined ? [] : mirrors.nodes.find("address", publicIp).map((n) => n.name)
    const sighting = instanceId === undefined ? undefined : inventory.instance(instanceId)
    const isLabelled = nodeName !== undefined && labelled.includes(nodeName)
    return {
      now,
      runBegan,
      object,
      addresses,
      statusAddress: inStatus === undefined ? undefined : inventory.address(inStatus),
      isStatusAddressReleased: inStatus !== undefined && inventory.isReleased(inStatus),
      statusAddressMissingSince: inStatus === undefined ? undefined : memory.missing.get(inStatus),
      node,
      placement,
      sighting,
      rivals:
        nodeName === undefined
          ? []
          : mirrors.externalIPs
              .find("node", nodeName)
              .filter((e) => e.metadata.name !== name)
              .map((externalIP) => ({
                externalIP,
                isAttached:
                  instanceId !== undefined &&
                  inventory
                    .addressesOf(externalIP.metadata.name)
                    .some((a) => a.association?.instanceId === instanceId)
              })),
      elsewhere: carriers.length === 0 || isNamed ? undefined : { isAskedFor: carriers.some(isAskedFor) },
      labelledElsewhere: labelled.filter((n) => n !== nodeName),
      isLabelled,
      // The label goes before the address does: while it is there, no earlier process has ended the association.
      isUnproven:
        address?.association !== undefined && !isLabelled && inventory.isInherited(address.allocationId),
      isHidden:
        address !== undefined &&
        isLabelled &&
        address.association?.instanceId !== instanceId &&
        inventory.isInherited(address.allocationId),
      ownOnNode:
        sighting?._tag === "Seen"
          ? sighting.instance.interfaces
              .map((i) => i.publicIp?.address ?? "")
              .filter((ip) => mirrors.externalIPs.find("publicIP", ip).length > 0)
          : [],
      claimant:
        node !== undefined &&
        instanceId !== undefined &&
        node.address !== publicIp &&
        claimsOn(node, instanceId).some(Claims.mayBeHere)
          ? node.address
          : undefined,
      groupIds: nodeName === undefined ? [] : inventory.groupsOf(nodeName).map((g) => g.groupId),
      memory: {
        isIntentUnsent: isAbout(memory.unsentIntents, object),
        isIntentAnswered: isAbout(memory.answeredIntents, object),
        lastEmptyRead: memory.emptyReads.get(uid),
        isSearched: memory.searched.has(uid)
      },
      policy: settings
    }
  }

  const self = (name: string): ActorRef => ({ kind: "ExternalIP", key: name })
  const wrote = (name: string, write: () => void) => mirrors.attributed(self(name), write)
  const regarding = (object: ExternalIP.ExternalIP): Regarding => ({
    kind: "ExternalIP",
    name: object.metadata.name,
    uid: object.metadata.uid
  })
  const tell = (object: ExternalIP.ExternalIP, reason: DoneReason, action: string, note: string) =>
    events.publish({ regarding: regarding(object), type: "Normal", reason, action, note })

  const writeStatus = Effect.fnUntraced(function* (object: ExternalIP.ExternalIP, status: ExternalIP.Status) {
    const patch = statusPatch(object.metadata, object.status, status)
    yield* cluster.patchExternalIPStatus(object.metadata.name, patch)
    const trouble = newTrouble(object.status, status)
    if (trouble === undefined) return
    const warning = {
      type: "Warning",
      reason: trouble.reason,
      action: "Reconcile",
      note: trouble.note
    } as const
    yield* events.publish({ ...warning, regarding: regarding(object) })
    const node = mirrors.nodes.get(ExternalIP.nodeName(object) ?? "")
    if (node === undefined) return
    yield* events.publish({ ...warning, regarding: { kind: "Node", name: node.name, uid: node.uid } })
  })

  /** The mirror's own record is newer than the plan's copy where a sweep came in between. */
  const latest = (address: AddressRecord): AddressRecord => inventory.address(address.allocationId) ?? address

  /** After an answer that the mirrors did not foresee, what they hold is read again before anything else. */
  const doubting =
    (name: string, address: AddressRecord, instanceId: string | undefined) =>
    <A, E extends Ec2Error | NotYet>(effect: Effect.Effect<A, E>) =>
      Effect.tapError(effect, (error: Ec2Error | NotYet) =>
        Effect.sync(() => {
          if (error._tag !== "Ec2Error") return
          const { reason } = error
          const isSurprise = ["Duplicate", "Gone", "Busy"].includes(reason._tag)
          if (!isAmbiguous(reason) && !isSurprise) return
          wrote(name, () => {
            inventory.doubtAddress(address.allocationId)
            if (instanceId !== undefined) inventory.doubtInstance(instanceId)
          })
        })
      )

  const perform = Effect.fnUntraced(function* (step: Plan.Step, o: Plan.Observed) {
    const object = o.object
    if (object === undefined) return
    const { name, uid } = object.metadata
    if (mutations.has(step._tag)) memory.searched.delete(uid)
    switch (step._tag) {
      case "AddFinalizer":
        yield* cluster.patchExternalIP(name, withFinalizer(object.metadata, externalIPFinalizer))
        return
      case "RemoveFinalizer":
        yield* cluster.patchExternalIP(name, withoutFinalizer(object.metadata, externalIPFinalizer))
        memory.emptyReads.delete(uid)
        memory.unsentIntents.delete(uid)
        memory.searched.delete(uid)
        memory.answeredIntents.delete(uid)
        return
      case "WriteStatus":
        yield* writeStatus(object, step.status)
        return
      case "Intend": {
        const intent = Plan.intentIn(step.status)
        // Before the write: an answer that is lost does not make the intent somebody else's.
        if (intent !== undefined) memory.unsentIntents.set(uid, intent)
        memory.answeredIntents.delete(uid)
        yield* writeStatus(object, step.status)
        memory.emptyReads.delete(uid)
        return
      }
      case "Allocate": {
        const intent = Plan.intentOf(object)
        memory.unsentIntents.delete(uid)
        const made = yield* ec2.allocateAddress({ tags: step.tags }).pipe(
          Effect.tapError((error) =>
            Effect.sync(() => {
              // Certainly not done: the same intent serves the next attempt, and stands in the way of nothing.
              if (!isAmbiguous(error.reason) && intent !== undefined) memory.unsentIntents.set(uid, intent)
            })
          )
        )
        if (intent !== undefined) memory.answeredIntents.set(uid, intent)
        wrote(name, () => inventory.wroteAddress({ ...made, tags: step.tags, association: undefined }))
        yield* tell(
          object,
          "AddressAllocated",
          "Allocate",
          `Allocated ${made.publicIp} (${made.allocationId})`
        )
        return
      }
      case "ReadAddresses": {
        const began = yield* Clock.currentTimeMillis
        const found = yield* inventory.readAddressesOf(name)
        if (found.length === 0) memory.emptyReads.set(uid, began)
        memory.searched.add(uid)
        return
      }
      case "ReadAddress": {
        const began = yield* Clock.currentTimeMillis
        const found = yield* inventory.readAddress(step.allocationId)
        if (found === undefined) memory.missing.set(step.allocationId, began)
        else memory.missing.delete(step.allocationId)
        return
      }
      case "TagAddress": {
        const { allocationId } = step.address
        yield* ec2
          .createTags({ resourceIds: [allocationId], tags: step.tags })
          .pipe(doubting(name, step.address, undefined))
        const address = latest(step.address)
        wrote(name, () => inventory.wroteAddress({ ...address, tags: { ...address.tags, ...step.tags } }))
        return
      }
      case "LookUpInstance":
        yield* inventory.lookUpInstance(step.instanceId)
        return
      case "Associate": {
        const { address, instanceId, networkInterfaceId } = step
        const { associationId } = yield* ec2
          .associateAddress({ allocationId: address.allocationId, networkInterfaceId })
          .pipe(doubting(name, address, instanceId))
        wrote(name, () =>
          inventory.wroteAssociation(address, { associationId, instanceId, networkInterfaceId })
        )
        yield* tell(
          object,
          object.status.state === "Associated" ? "AddressMoved" : "AddressAttached",
          "Associate",
          `Attached ${address.publicIp} to node ${step.nodeName} (${instanceId}, ${networkInterfaceId})`
        )
        return
      }
      case "Disassociate": {
        yield* disassociate(step.address, step.associationId).pipe(
          doubting(name, step.address, step.address.association?.instanceId)
        )
        wrote(name, () => inventory.wroteAssociation(step.address, undefined))
        const from = step.address.association?.instanceId ?? step.address.association?.networkInterfaceId
        yield* tell(
          object,
          "AddressDetached",
          "Disassociate",
          `Detached ${step.address.publicIp} from ${from}`
        )
        return
      }
      case "Release": {
        yield* release(step.address).pipe(doubting(name, step.address, undefined))
        wrote(name, () => inventory.releasedAddress(step.address.allocationId))
        yield* tell(
          object,
          "AddressReleased",
          "Release",
          `Released ${step.isExtra ? "the extra address " : ""}${step.address.publicIp} (${step.address.allocationId})`
        )
        return
      }
      case "Wait":
        return yield* new NotYet({ message: step.why, isLag: false })
    }
  })

  const notKnownYet = (what: string) => new NotYet({ message: `EC2 to know ${what}`, isLag: true })

  /** Gone is done, once a describe agrees: what is believed here lets go of the object, and nothing looks again. */
  const disassociate = (address: AddressRecord, associationId: string) =>
    ec2
      .disassociateAddress({ associationId })
      .pipe(
        Effect.catchReason("Ec2Error", "Gone", () =>
          Effect.flatMap(ec2.describeAddresses({ allocationIds: [address.allocationId] }), (shown) =>
            shown.some((a) => a.association?.associationId === associationId)
              ? Effect.fail(notKnownYet(associationId))
              : Effect.void
          )
        )
      )

  /**
   * Gone is done, once a describe agrees: EC2 may say "not found" of what it has just made. AuthFailure may say that
   * somebody else has it by now: then it is done as well.
   */
  const release = (address: AddressRecord) =>
    ec2.releaseAddress({ allocationId: address.allocationId }).pipe(
      Effect.catchReason("Ec2Error", "Gone", () =>
        Effect.flatMap(isGone(address), (gone) =>
          gone ? Effect.void : Effect.fail(notKnownYet(address.allocationId))
        )
      ),
      Effect.catchReason("Ec2Error", "Refused", (reason, error) =>
        reason.code === "AuthFailure"
          ? Effect.flatMap(isGone(address), (gone) => (gone ? Effect.void : Effect.fail(error)))
          : Effect.fail(error)
      )
    )

  /** No describe shows it, and one did before; or the reply that proved it to be there must be visible by now. */
  const isGone = Effect.fnUntraced(function* (address: AddressRecord) {
    const shown = yield* ec2.describeAddresses({ allocationIds: [address.allocationId] })
    if (shown.length > 0) return false
    const { existedAt, readBegan } = latest(address)
    const age = (yield* Clock.currentTimeMillis) - existedAt
    return readBegan > 0 || age >= Duration.toMillis(visibilityWindow)
  })

  const onFailure = Effect.fnUntraced(function* (failure: Failure, step: Plan.Step, o: Plan.Observed) {
    if (o.object === undefined || !isWorthTelling(failure)) return
    const object = mirrors.externalIPs.get(o.object.metadata.name) ?? o.object
    const status = Plan.failureStatus({ ...o, object }, step, {
      reason: reasonOf(failure),
      message: describe(failure),
      isAmbiguous: failure._tag === "Ec2Error" && isAmbiguous(failure.reason)
    })
    if (status !== undefined) yield* writeStatus(object, status)
  })

  const urgencyOf = (o: Plan.Observed) => {
    if (o.object === undefined || ExternalIP.isDeleting(o.object)) return "CleanUp" as const
    return o.object.status.state === "Associated" ? ("Move" as const) : ("NewNode" as const)
  }

  const behaviour: Behaviour<Failure, never> = Effect.fnUntraced(function* (name: string) {
    const runBegan = yield* Clock.currentTimeMillis
    return yield* reconcile<Plan.Observed, Plan.Step, Failure, never>({
      observe: Effect.map(Clock.currentTimeMillis, (now) => observe(name, runBegan, now)),
      decide: Plan.decide,
      perform: (step, o) => {
        const performing = Effect.provideService(perform(step, o), Urgency, urgencyOf(o))
        // The reply of a mutation reaches the mirror even when the process is told to stop meanwhile.
        return mutations.has(step._tag) ? Effect.uninterruptible(performing) : performing
      },
      onFailure
    })
  })
  return behaviour
})
