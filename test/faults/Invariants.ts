/**
 * What must hold at every moment of every run, whatever fails.
 * Rule: judged on the true worlds, in the moment in which one of them changes, by other means than the operator's own.
 */
import { autoAssignLabel, externalIPFinalizer, firewallRuleFinalizer, Tag } from "../../src/domain/Names.ts"
import type { Raw } from "../../src/domain/Object.ts"
import type { Event } from "../../src/simulation/ApiServer.ts"
import type { Entry } from "../../src/simulation/Ec2Journal.ts"
import { lateMillis, orphanedMillis, unseenMillis } from "../../src/simulation/faults/Outcome.ts"
import { allowanceOf, untilSwept } from "./Allowance.ts"
import * as View from "./View.ts"
import { clusterId, type World } from "./World.ts"

export interface Violation {
  readonly invariant: string
  /** Milliseconds since the beginning. */
  readonly at: number
  readonly what: string
}

export interface Watch {
  /** A fault strikes: what it may cost is forgiven from here on. */
  readonly forgive: (call: string, outcome: string) => void
  /** The next process is shown what was before a write of the one that died. */
  readonly isMisled: () => boolean
  /** Milliseconds until nothing is left to be put right. */
  readonly restlessFor: () => number
  /** Things have settled: only what is wanted now may be open from here on. */
  readonly settled: () => void
  /** What lasts too long is noticed here. */
  readonly look: () => void
  /** Attachments and detachments so far, by requests of operators. */
  readonly attachments: () => number
  readonly violations: ReadonlyArray<Violation>
  readonly report: (invariant: string, what: string) => void
}

/** A second address that a lost answer left, or a request delivered twice, is found by a sweep and released. */
const doubledAtMost = 6 * 60_000

/** Within this a write and its repetition arrive. */
const repeated = 500

interface Held {
  readonly publicIp: string
  readonly associationId: string
  readonly networkInterfaceId: string
  readonly instanceId: string | undefined
  readonly since: number
}

const isOurs = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean =>
  tags[Tag.clusterId] === clusterId
const fieldsOf = (value: unknown): View.Fields => (value ?? {}) as View.Fields

export const watch = (world: World): Watch => {
  const { cluster, ec2, machine } = world
  const began = machine.now()
  const violations: Array<Violation> = []
  const said = new Set<string>()
  const report = (invariant: string, what: string): void => {
    if (said.has(`${invariant} ${what}`)) return
    said.add(`${invariant} ${what}`)
    violations.push({ invariant, at: machine.now() - began, what })
  }
  let forgivenUntil = 0
  let restlessUntil = 0
  /** EC2 shows what was before a write, and only the process that made the write knows better. */
  let unseenUntil = 0
  let isMisled = false
  /** A group is believed to be full. */
  let fullUntil = 0
  const isForgiven = (): boolean => machine.now() <= forgivenUntil

  const view = View.make(world)
  /** Rules ever wanted since things were last settled, by node. */
  let mayBeOpen = new Map<string, Set<string>>()
  /** Rules wanted all the time since they were first seen open, by instance. */
  const mustStayOpen = new Map<string, Set<string>>()
  const held = new Map<string, Held>()
  /** Ended by others, and when: until a sweep has shown it, nobody can know. */
  const endedByOthers = new Map<string, number>()
  const groupsOn = new Map<string, ReadonlyArray<string>>()
  /** When others put a group on an interface. */
  const putOnAt = new Map<string, number>()
  /** Writes of whole lists that are on their way for long, and cannot be called back. */
  const lateLists: Array<{ readonly sentAt: number; readonly arrivesAt: number }> = []
  /** Since when an object has two addresses. */
  const doubled = new Map<string, number>()
  const generations = new Map<string, number>()
  let attachments = 0

  // Rules.

  const learnWanted = (): void => {
    for (const [nodeName, keys] of view.wanted()) {
      const may = mayBeOpen.get(nodeName) ?? new Set()
      for (const key of keys) may.add(key)
      mayBeOpen.set(nodeName, may)
    }
  }

  const lookAtRules = (byHand: boolean): void => {
    const wanted = view.wanted()
    if (!byHand && !isForgiven()) {
      for (const group of view.groups()) {
        const may = mayBeOpen.get(group.nodeName)
        for (const key of group.keys) {
          if (may?.has(key) !== true)
            report("8 rules", `${key} is open on ${group.nodeName}, and nobody ever asked`)
        }
      }
    }
    for (const node of view.nodes()) {
      const open = view.openOn(node)
      const keys = wanted.get(node.name)
      const must = mustStayOpen.get(node.instanceId) ?? new Set()
      for (const key of must) {
        if (keys?.has(key) !== true || byHand) must.delete(key)
        else if (!open.has(key)) {
          // In a full group the oldest rules win, and only there something is closed for something else.
          const isGivenWay = machine.now() <= fullUntil && view.rulesOn(node.name).length > 1
          if (!isForgiven() && !isGivenWay)
            report("8 rules", `${key} is closed on ${node.name}, and was wanted all the time`)
          must.delete(key)
        }
      }
      for (const key of keys ?? []) if (open.has(key)) must.add(key)
      mustStayOpen.set(node.instanceId, must)
    }
  }

  // Addresses.

  const lookAtAddresses = (entry: Entry): void => {
    const byHand = entry.by === "hand"
    const now = ec2.addresses()
    const heldBefore = [...held.values()]
    for (const address of now) {
      const { allocationId, association, publicIp } = address
      const before = held.get(allocationId)
      if (before?.associationId === association?.associationId) continue
      if (before !== undefined) left(before, byHand)
      if (association === undefined) held.delete(allocationId)
      else {
        const { associationId, instanceId, networkInterfaceId } = association
        if (!byHand) {
          attachments += 1
          for (const other of heldBefore) {
            if (other !== before && other.networkInterfaceId === networkInterfaceId)
              report(
                "3 one address",
                `${publicIp} was put on ${networkInterfaceId}, which held ${other.publicIp}`
              )
          }
          if (before !== undefined)
            report("3 one address", `${publicIp} was taken from ${before.networkInterfaceId} without a word`)
        }
        held.set(allocationId, {
          publicIp,
          associationId,
          networkInterfaceId,
          instanceId,
          since: machine.now()
        })
      }
    }
    const there = new Set(now.map((a) => a.allocationId))
    for (const [allocationId, before] of held) {
      if (there.has(allocationId)) continue
      held.delete(allocationId)
      left(before, byHand)
    }
    const byUid = Map.groupBy(now.filter(isOurs), (a) => a.tags[Tag.uid] ?? "")
    for (const [uid, owned] of byUid) {
      if (uid === "" || owned.length < 2) doubled.delete(uid)
      else if (!doubled.has(uid)) doubled.set(uid, machine.now())
      if (uid !== "" && owned.length > 2) report("1 addresses", `${owned.length} addresses for one object`)
    }
  }

  const left = (before: Held, byHand: boolean): void => {
    if (byHand) {
      endedByOthers.set(`${before.publicIp} ${before.instanceId}`, machine.now())
      return
    }
    attachments += 1
    const node = [...view.nodes()].find((n) => n.instanceId === before.instanceId)
    if (node?.label === before.publicIp && !isForgiven())
      report("6 labels", `${before.publicIp} left node ${node.name}, which is labelled with it still`)
  }

  const lookAtDoubles = (): void => {
    for (const [uid, since] of doubled) {
      const owned = ec2.addresses().filter((a) => a.tags[Tag.uid] === uid).length
      if (owned < 2) doubled.delete(uid)
      else if (machine.now() - since > doubledAtMost)
        report("1 addresses", `${owned} addresses for one object for minutes`)
    }
  }

  const hasFinalizer = (object: Raw | undefined, name: string): boolean =>
    Array.isArray(object?.metadata.finalizers) && object.metadata.finalizers.includes(name)

  /** Before the first write to EC2 for an object, its finalizer is there. */
  const lookAtFinalizers = (entry: Entry): void => {
    if (isForgiven()) return
    const { tags } = entry.request as { readonly tags: Readonly<Record<string, string>> }
    if (entry.action === "AllocateAddress") {
      const object = view.externalIPs().find((e) => e.metadata.uid === tags[Tag.uid])
      if (!hasFinalizer(object, externalIPFinalizer))
        report(
          "5 finalizers",
          `an address was allocated for ${tags[Tag.externalIPName]}, which has no finalizer`
        )
    } else {
      const nodeName = tags[Tag.nodeName] ?? ""
      const isWanted = view.rulesFor(nodeName).some((r) => hasFinalizer(r.raw, firewallRuleFinalizer))
      if (!isWanted && !view.hasDisabledRules())
        report("5 finalizers", `a group was made for ${nodeName}, and no rule there has a finalizer`)
    }
  }

  // Interfaces.

  const lookAtInterfaces = (entry: Entry): void => {
    for (const { groupIds, networkInterfaceId } of ec2.interfaces()) {
      const before = groupsOn.get(networkInterfaceId) ?? []
      groupsOn.set(networkInterfaceId, groupIds)
      if (entry.by === "hand") {
        for (const id of groupIds)
          if (!before.includes(id)) putOnAt.set(`${networkInterfaceId} ${id}`, machine.now())
        continue
      }
      if (groupIds.length === 0) report("7 foreign groups", `${networkInterfaceId} has no group any more`)
      for (const id of before) {
        const group = ec2.group(id)
        const isUnknowable = mayBeUnknown(putOnAt.get(`${networkInterfaceId} ${id}`) ?? 0)
        if (groupIds.includes(id) || group === undefined || isOurs(group) || isUnknowable) continue
        report("7 foreign groups", `${group.name} left ${networkInterfaceId}`)
      }
    }
  }

  /**
   * Put on between the operator's read and the arrival of its write: EC2 has no compare-and-swap, nobody can know. A
   * write arrives within this, or after as long as one that is late takes.
   */
  const onItsWay = 200
  const mayBeUnknown = (sinceWhen: number): boolean => {
    const now = machine.now()
    return (
      now - sinceWhen < onItsWay ||
      lateLists.some(
        ({ arrivesAt, sentAt }) =>
          sinceWhen > sentAt - onItsWay && now >= arrivesAt && now < arrivesAt + onItsWay
      )
    )
  }

  // Requests to EC2.

  const entered = (entry: Entry): void => {
    const isService = entry.by === "service"
    if (isService && entry.outcome === "RequestLimitExceeded")
      report("10 governor", `${entry.action} was throttled`)
    if (entry.outcome !== "OK" || entry.action.startsWith("Describe")) return
    view.ec2Changed()
    if (isService) lookAtOwnership(entry)
    if (isService && (entry.action === "AllocateAddress" || entry.action === "CreateSecurityGroup"))
      lookAtFinalizers(entry)
    lookAtAddresses(entry)
    lookAtInterfaces(entry)
    lookAtRules(!isService)
  }

  const lookAtOwnership = ({ action, request }: Entry): void => {
    const { allocationId, groupId } = fieldsOf(request)
    const group = typeof groupId === "string" ? ec2.group(groupId) : undefined
    if (group !== undefined && !isOurs(group)) report("2 ownership", `${action} on a group of somebody else`)
    const address = typeof allocationId === "string" ? ec2.address(allocationId) : undefined
    if (address !== undefined && !isOurs(address))
      report("2 ownership", `${action} on an address of somebody else`)
  }

  // Objects.

  const changed = (event: Event): void => {
    const before = view.take(event)
    const byHand = world.isByHand()
    switch (event.resource.kind) {
      case "Node":
        if (!byHand && event.type === "MODIFIED")
          nodeWritten(before.node, view.node(String(event.object.metadata.name)))
        break
      case "ExternalIP":
        if (!byHand && event.type === "DELETED") externalIPGone(event.object)
        if (!byHand && event.type !== "DELETED") externalIPWritten(event)
        lookAtClaims()
        break
      case "FirewallRule":
        if (!byHand && event.type === "DELETED") firewallRuleGone(event.object)
        if (!byHand && event.type === "MODIFIED") firewallRuleWritten(event)
        break
      default:
        return
    }
    learnWanted()
    if (byHand) lookAtRules(false)
  }

  const nodeWritten = (before: View.Node | undefined, after: View.Node | undefined): void => {
    if (before === undefined || after === undefined || isForgiven()) return
    const holds = (publicIp: string | undefined, since = machine.now()): boolean =>
      [...held.values()].some(
        (h) =>
          h.instanceId === after.instanceId &&
          (publicIp === undefined || h.publicIp === publicIp) &&
          h.since <= since
      )
    if (after.label !== undefined && after.label !== before.label) {
      if (!holds(after.label))
        report("6 labels", `node ${after.name} is labelled with ${after.label}, which it does not hold`)
      for (const other of view.nodes()) {
        if (other.name !== after.name && other.label === after.label)
          report("6 labels", `nodes ${other.name} and ${after.name} carry ${after.label}`)
      }
    }
    const { label } = before
    const isLost = label !== undefined && after.label !== label && isMeantFor(after.name, label)
    // It may have been put on while the write was on its way.
    if (isLost && holds(label, machine.now() - repeated))
      report("6 labels", `node ${after.name} lost its label ${label}, which is true`)
    if (before.isTainted && !after.isTainted && !holds(undefined))
      report("6 labels", `node ${after.name} lost its taint and holds no address`)
  }

  const isMeantFor = (nodeName: string, publicIp: string): boolean =>
    view.externalIPs().some((e) => {
      const { disableReconciliation, nodeName: named } = fieldsOf(e.spec)
      const isLive = e.metadata.deletionTimestamp === undefined && disableReconciliation !== true
      return isLive && named === nodeName && fieldsOf(e.status).publicIPAddress === publicIp
    })

  const externalIPWritten = ({ object, previous }: Event): void => {
    const name = String(object.metadata.name)
    const status = fieldsOf(object.status)
    const uid = String(object.metadata.uid)
    const generation = Number(status.observedGeneration ?? 0)
    if (generation < (generations.get(uid) ?? 0))
      report("11 status", `observedGeneration of ${name} went back`)
    generations.set(uid, generation)
    const was = fieldsOf(previous?.status)
    const isNew = status.state !== was.state || status.instanceID !== was.instanceID
    if (status.state !== "Associated" || !isNew || isForgiven()) return
    const isSo = [...held.values()].some(
      (h) => h.publicIp === status.publicIPAddress && h.instanceId === status.instanceID
    )
    const endedAt = endedByOthers.get(`${String(status.publicIPAddress)} ${String(status.instanceID)}`)
    const isUnknowable = endedAt !== undefined && machine.now() - endedAt < untilSwept
    if (!isSo && !isUnknowable)
      report("11 status", `${name} says Associated to ${String(status.instanceID)}, and is not`)
  }

  const externalIPGone = (object: Raw): void => {
    if (isForgiven()) return
    const isKept = fieldsOf(object.spec).preventEIPDeallocation === true
    for (const address of ec2.addresses()) {
      if (!isOurs(address) || address.tags[Tag.uid] !== object.metadata.uid) continue
      if (address.association !== undefined || !isKept)
        report("5 finalizers", `${String(object.metadata.name)} is gone, and its address is not`)
    }
  }

  const firewallRuleWritten = ({ object, previous }: Event): void => {
    const status = fieldsOf(object.status)
    const was = fieldsOf(previous?.status)
    if (status.state !== "Applied" || (was.state === "Applied" && was.nodeName === status.nodeName)) return
    const node = view.node(String(status.nodeName))
    if (node === undefined || isForgiven()) return
    const open = view.openOn(node)
    const name = String(object.metadata.name)
    for (const key of view.keysOf(name)) {
      if (!open.has(key)) report("11 status", `${name} says Applied on ${node.name}, and ${key} is closed`)
    }
  }

  const firewallRuleGone = (object: Raw): void => {
    if (isForgiven()) return
    const keys = View.keys(object)
    for (const group of view.groups()) {
      for (const key of group.keys) {
        if (keys.has(key) && !view.isHeldByOthers(key))
          report(
            "5 finalizers",
            `${String(object.metadata.name)} is gone, and ${key} is open on ${group.nodeName}`
          )
      }
    }
  }

  /** The operator's own ExternalIPs: never two for a node. */
  const lookAtClaims = (): void => {
    if (isForgiven()) return
    const byNode = new Map<string, number>()
    for (const e of view.externalIPs()) {
      const { nodeName } = fieldsOf(e.spec)
      const isOwn = fieldsOf(e.metadata.labels)[autoAssignLabel] === "true"
      if (!isOwn || e.metadata.deletionTimestamp !== undefined || typeof nodeName !== "string") continue
      const count = (byNode.get(nodeName) ?? 0) + 1
      byNode.set(nodeName, count)
      if (count > 1) report("13 claims", `node ${nodeName} is named by ${count} ExternalIPs`)
    }
  }

  ec2.onEntry(entered)
  cluster.onChange(changed)
  return {
    forgive: (call, outcome) => {
      const { restlessFor, untrueFor } = allowanceOf(call, outcome)
      forgivenUntil = Math.max(forgivenUntil, machine.now() + untrueFor)
      restlessUntil = Math.max(restlessUntil, machine.now() + restlessFor)
      const delay = outcome === "late" ? lateMillis : outcome === "orphaned" ? orphanedMillis : undefined
      if (call === "ModifyNetworkInterfaceAttribute" && delay !== undefined)
        lateLists.push({ sentAt: machine.now(), arrivesAt: machine.now() + delay })
      if (outcome === "slow to show") unseenUntil = machine.now() + unseenMillis
      if (outcome.startsWith("crash") && machine.now() <= unseenUntil) isMisled = true
      if (outcome === "RulesPerSecurityGroupLimitExceeded" || outcome === "hand: quotas reached for a minute")
        fullUntil = machine.now() + restlessFor
    },
    isMisled: () => isMisled,
    restlessFor: () => Math.max(0, restlessUntil - machine.now()),
    settled: () => {
      mayBeOpen = new Map()
      learnWanted()
    },
    look: lookAtDoubles,
    attachments: () => attachments,
    violations,
    report
  }
}
