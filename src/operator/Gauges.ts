/**
 * The gauges that count what is there, brought up to date when somebody looks.
 * Rule: counted from the mirrors, so that the metrics can never disagree with what the actors see.
 */
import { Effect, Metric } from "effect"
import type { ActorState } from "../actor/ActorSystem.ts"
import * as Metrics from "../domain/Metrics.ts"
import { Tag } from "../domain/Names.ts"
import { type Kind, kinds } from "./Kinds.ts"
import type { Mirrors } from "./Mirrors.ts"
import type { Settings } from "./Settings.ts"

type AddressState = "associated" | "reserved" | "kept" | "duplicate"

export const countAddresses = (
  mirrors: Mirrors["Service"],
  settings: Pick<Settings["Service"], "clusterId">
): Readonly<Record<AddressState, number>> => {
  const counts = { associated: 0, reserved: 0, kept: 0, duplicate: 0 }
  for (const address of mirrors.inventory.addresses()) {
    const name = address.tags[Tag.externalIPName]
    if (name === undefined || address.tags[Tag.clusterId] !== settings.clusterId) continue
    const object = mirrors.externalIPs.get(name)
    const isTheOne = object?.status.addressID === address.allocationId
    if (object === undefined) counts.kept += 1
    else if (!isTheOne && mirrors.inventory.addressesOf(name).length > 1) counts.duplicate += 1
    else if (address.association === undefined) counts.reserved += 1
    else counts.associated += 1
  }
  return counts
}

const set = (metric: Metric.Gauge<number>, labels: Readonly<Record<string, string>>, value: number) =>
  Metric.update(Metric.withAttributes(metric, labels), value)

export const update = Effect.fnUntraced(function* (
  mirrors: Mirrors["Service"],
  settings: Settings["Service"],
  actors: ReadonlyArray<ActorState<Kind>>
) {
  const byKind = Map.groupBy(actors, (a) => a.kind)
  // Kinds without an actor too: a gauge that nobody sets keeps its last value.
  for (const kind of kinds) {
    const ofKind = byKind.get(kind) ?? []
    yield* set(Metrics.actors, { kind }, ofKind.length)
    yield* set(Metrics.mailboxDepth, { kind }, ofKind.filter((a) => a.isWoken).length)
  }
  const addresses = countAddresses(mirrors, settings)
  for (const [state, count] of Object.entries(addresses)) yield* set(Metrics.addresses, { state }, count)
  const rules = { Applied: 0, Pending: 0 }
  let undecodableRules = 0
  for (const rule of mirrors.firewallRules.all()) {
    rules[rule.status.state ?? "Pending"] += 1
    if (rule.spec._tag === "Failure") undecodableRules += 1
  }
  for (const [state, count] of Object.entries(rules)) yield* set(Metrics.firewallRules, { state }, count)
  let undecodableAddresses = 0
  for (const e of mirrors.externalIPs.all()) if (e.spec._tag === "Failure") undecodableAddresses += 1
  yield* set(Metrics.undecodableObjects, { kind: "FirewallRule" }, undecodableRules)
  yield* set(Metrics.undecodableObjects, { kind: "ExternalIP" }, undecodableAddresses)
})
