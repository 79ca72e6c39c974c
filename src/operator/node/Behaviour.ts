/**
 * The actor of one Node.
 * Rule: the only writer of the address label and the startup taint of that node.
 */
import { Clock, Effect, Metric } from "effect"
import type { Behaviour, Glance } from "../../actor/ActorSystem.ts"
import { reconcile } from "../../actor/Reconcile.ts"
import { timeToAttach } from "../../domain/Metrics.ts"
import { Tag } from "../../domain/Names.ts"
import { isCordoned } from "../../domain/Node.ts"
import * as Claims from "../Claims.ts"
import { Cluster } from "../Cluster.ts"
import type { Failure } from "../Failure.ts"
import { isInPlay } from "../InPlay.ts"
import { Mirrors } from "../Mirrors.ts"
import { Settings } from "../Settings.ts"
import * as Plan from "./Plan.ts"

export const make = Effect.gen(function* () {
  const cluster = yield* Cluster
  const mirrors = yield* Mirrors
  const settings = yield* Settings
  const { inventory } = mirrors
  /** By node name: when a node that wants an address was first seen without one. */
  const wantedSince = new Map<string, number>()

  const claimsOn = Claims.make(mirrors, settings)

  const observe = (name: string): Plan.Observed => {
    const node = mirrors.nodes.get(name)
    const placement = node === undefined ? undefined : settings.placementOf(node)
    const instanceId = placement?._tag === "Instance" ? placement.instanceId : undefined
    const onInstance = instanceId === undefined ? [] : inventory.addressesOn(instanceId)
    return {
      node,
      placement,
      sighting: instanceId === undefined ? undefined : inventory.instance(instanceId),
      isInPlay: node !== undefined && isInPlay(mirrors, node),
      attached: onInstance.map((address) => ({
        address,
        externalIP: mirrors.externalIPs.get(address.tags[Tag.externalIPName] ?? ""),
        // The label goes before the address does: where it is, no earlier process has taken the address off.
        isUnproven: node?.address !== address.publicIp && inventory.isInherited(address.allocationId)
      })),
      isLabelClaimed:
        node !== undefined && instanceId !== undefined && claimsOn(node, instanceId).some(Claims.mayBeHere),
      requeueInterval: settings.nodeReconciliationRequeueInterval
    }
  }

  const measure = Effect.fnUntraced(function* (name: string, o: Plan.Observed) {
    const { node } = o
    if (node === undefined || !node.isAutoAssign || isCordoned(node)) {
      wantedSince.delete(name)
      return
    }
    if (node.address === undefined && !wantedSince.has(name)) {
      wantedSince.set(name, yield* Clock.currentTimeMillis)
    }
  })

  const perform = Effect.fnUntraced(function* (step: Plan.Step, o: Plan.Observed) {
    const { node } = o
    if (node === undefined) return
    if (step._tag === "LookUpInstance") {
      yield* inventory.lookUpInstance(step.instanceId)
      return
    }
    yield* cluster.patchNode(node.name, step.patch)
    const since = wantedSince.get(node.name)
    if (step.address === undefined || since === undefined) return
    const now = yield* Clock.currentTimeMillis
    yield* Metric.update(timeToAttach, (now - since) / 1000)
    wantedSince.delete(node.name)
  })

  const behaviour: Behaviour<Failure, never> = (name) =>
    reconcile<Plan.Observed, Plan.Step, Failure, never>({
      observe: Effect.tap(
        Effect.sync(() => observe(name)),
        (o) => measure(name, o)
      ),
      decide: Plan.decide,
      perform
    })
  const glance: Glance = (name) => {
    const decision = Plan.decide(observe(name))
    return decision._tag === "Settled" ? decision.next : undefined
  }
  return { behaviour, glance }
})
