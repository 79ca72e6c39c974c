/**
 * The one actor that assigns addresses to nodes.
 * Rule: the only writer of spec.nodeName of auto-assigned ExternalIPs and the only maker of them; one refused
 * node never holds up the others.
 */
import { Clock, Duration, Effect } from "effect"
import type { Behaviour } from "../../actor/ActorSystem.ts"
import * as Next from "../../actor/Next.ts"
import { reconcile } from "../../actor/Reconcile.ts"
import { apiVersion, autoAssignLabel, externalIPFinalizer, Tag } from "../../domain/Names.ts"
import type { Node } from "../../domain/Node.ts"
import { Events } from "../../kubernetes/Events.ts"
import { Cluster } from "../Cluster.ts"
import { describe, type Failure } from "../Failure.ts"
import { Mirrors } from "../Mirrors.ts"
import { Settings } from "../Settings.ts"
import * as Plan from "./Plan.ts"

/** Requests to the API server at once: enough for hundreds of nodes in a second, not a flood. */
const concurrency = 32
/** A node whose claim failed is left alone this long, doubling up to the cap. */
const firstPenalty = Duration.millis(100)
const longestPenalty = Duration.minutes(5)

export const make = Effect.gen(function* () {
  const cluster = yield* Cluster
  const events = yield* Events
  const mirrors = yield* Mirrors
  const settings = yield* Settings
  const { inventory } = mirrors
  const minInterval = Duration.toMillis(settings.nodeMinReconciliationInterval)
  /** By UID of the node, or of the object where clearing its name failed. */
  const heldUntil = new Map<string, number>()
  const failures = new Map<string, number>()

  const demand = (): ReadonlyMap<string, Plan.Demand> | undefined => {
    if (!mirrors.pods.isCurrent()) return undefined
    const byAddress = new Map<string, { pods: number; readonly nodeNames: Set<string> }>()
    for (const pod of mirrors.pods.all()) {
      if (!pod.isLive || pod.address === undefined) continue
      const entry = byAddress.get(pod.address) ?? { pods: 0, nodeNames: new Set<string>() }
      entry.pods += 1
      if (pod.nodeName !== undefined) entry.nodeNames.add(pod.nodeName)
      byAddress.set(pod.address, entry)
    }
    return byAddress
  }

  const observe = (now: number): Plan.Observed => {
    const nodes = [...mirrors.nodes.all()].map((node) => ({ node, placement: settings.placementOf(node) }))
    const kept: Array<string> = []
    const taken = new Set<string>()
    for (const address of inventory.addresses()) {
      const name = address.tags[Tag.externalIPName]
      if (name === undefined || address.tags[Tag.clusterId] !== settings.clusterId) continue
      taken.add(name)
      if (address.association === undefined && mirrors.externalIPs.get(name) === undefined) kept.push(name)
    }
    const externalIPs = [...mirrors.externalIPs.all()]
    const uids = new Set([...nodes.map(({ node }) => node.uid), ...externalIPs.map((e) => e.metadata.uid)])
    for (const uid of heldUntil.keys()) {
      if (!uids.has(uid)) {
        heldUntil.delete(uid)
        failures.delete(uid)
      }
    }
    return {
      now,
      nodes,
      externalIPs,
      demand: demand(),
      keptNames: kept,
      takenNames: taken,
      heldUntil
    }
  }

  const decide = (o: Plan.Observed) => {
    const { moves, nextDue } = Plan.assign(o)
    if (moves.length > 0) return { _tag: "Perform", step: moves } as const
    const regular = Duration.toMillis(settings.nodeReconciliationRequeueInterval)
    const wait = nextDue === undefined ? regular : Math.min(regular, nextDue - o.now)
    return { _tag: "Settled", next: Next.requeueAfter(Duration.millis(wait)) } as const
  }

  const nameOf = (move: Plan.Move): string =>
    move._tag === "Create" ? move.name : move.externalIP.metadata.name

  const write = (move: Plan.Move) => {
    switch (move._tag) {
      case "Claim":
        return cluster.patchExternalIP(nameOf(move), {
          metadata: { resourceVersion: move.externalIP.metadata.resourceVersion },
          spec: { nodeName: move.node.name }
        })
      case "Clear":
        return cluster.patchExternalIP(nameOf(move), {
          metadata: { resourceVersion: move.externalIP.metadata.resourceVersion },
          spec: { nodeName: null }
        })
      case "Create":
        return cluster.createExternalIP({
          apiVersion,
          kind: "ExternalIP",
          metadata: {
            name: move.name,
            labels: { [autoAssignLabel]: "true" },
            // There before the first EC2 write, without a write of its own.
            finalizers: [externalIPFinalizer]
          },
          spec: { nodeName: move.node.name, preventEIPDeallocation: settings.preventEIPDeallocation }
        })
    }
  }

  const tell = Effect.fnUntraced(function* (move: Plan.Move, node: Node) {
    const note =
      move._tag === "Claim"
        ? `Assigned ${move.externalIP.status.publicIPAddress ?? "the address"} of ExternalIP ${nameOf(move)}`
        : `Made ExternalIP ${nameOf(move)}${move._tag === "Create" && move.isTakenBack ? " for a kept address" : ""}`
    yield* events.publish({
      regarding: { kind: "Node", name: node.name, uid: node.uid },
      type: "Normal",
      reason: "AddressAssigned",
      action: "Assign",
      note
    })
  })

  const performOne = Effect.fnUntraced(
    function* (move: Plan.Move) {
      const node = move._tag === "Clear" ? undefined : move.node
      yield* write(move)
      if (node === undefined) return
      failures.delete(node.uid)
      heldUntil.set(node.uid, (yield* Clock.currentTimeMillis) + minInterval)
      yield* tell(move, node)
    },
    // A failure is this node's alone: it waits, the others go on.
    (effect, move) =>
      Effect.catch(effect, (failure) =>
        Effect.gen(function* () {
          const key = move._tag === "Clear" ? move.externalIP.metadata.uid : move.node.uid
          const count = failures.get(key) ?? 0
          failures.set(key, count + 1)
          const now = yield* Clock.currentTimeMillis
          const penalty = Math.min(
            Duration.toMillis(firstPenalty) * 2 ** count,
            Duration.toMillis(longestPenalty)
          )
          heldUntil.set(key, now + penalty)
          yield* Effect.logWarning(`${nameOf(move)}: ${describe(failure)}`)
        })
      )
  )

  const behaviour: Behaviour<Failure, never> = () =>
    reconcile<Plan.Observed, ReadonlyArray<Plan.Move>, Failure, never>({
      observe: Effect.map(Clock.currentTimeMillis, observe),
      decide,
      perform: (moves) => Effect.forEach(moves, performOne, { concurrency, discard: true })
    })
  return behaviour
})
