/**
 * The two worlds as this process knows them: a store per Kubernetes resource, the inventory of EC2, the reports.
 * Rule: everything an actor observes is read here, from memory; every change is told once, with who wrote it.
 */
import { Context, Effect, Layer } from "effect"
import * as ExternalIP from "../domain/ExternalIP.ts"
import * as FirewallRule from "../domain/FirewallRule.ts"
import { addressLabel } from "../domain/Names.ts"
import * as Node from "../domain/Node.ts"
import type { Raw } from "../domain/Object.ts"
import * as Permission from "../domain/Permission.ts"
import * as Pod from "../domain/Pod.ts"
import { Inventory, type InventoryChange } from "../ec2/Inventory.ts"
import { externalIPs, firewallRules, type Kubernetes, nodes, pods } from "../kubernetes/Kubernetes.ts"
import * as Store from "../kubernetes/Store.ts"
import * as Echo from "./Echo.ts"
import type { ActorRef } from "./Kinds.ts"
import * as Same from "./Projection.ts"
import type { Report } from "./Reports.ts"
import { Settings } from "./Settings.ts"

export type Change =
  | { readonly _tag: "Node"; readonly change: Store.Change<Node.Node> }
  | { readonly _tag: "Pod"; readonly change: Store.Change<Pod.Pod> }
  | { readonly _tag: "ExternalIP"; readonly change: Store.Change<ExternalIP.ExternalIP> }
  | { readonly _tag: "FirewallRule"; readonly change: Store.Change<FirewallRule.FirewallRule> }
  | { readonly _tag: "Ec2"; readonly change: InventoryChange }
  | { readonly _tag: "Report"; readonly before: Report | undefined; readonly after: Report }

/** `by`: the actor whose own write is mirrored here, undefined for everybody else's changes. */
export type Listener = (change: Change, by: ActorRef | undefined) => void

export type NodeIndex = "instance" | "address"
export type ExternalIPIndex = "node" | "publicIP" | "addressID" | "instance"
/** closing: by what they describe (`Permission.key`), those that are being deleted. */
export type FirewallRuleIndex = "node" | "publicIP" | "openOn" | "group" | "closing"
export type PodIndex = "address"

const present = (value: string | undefined): ReadonlyArray<string> => (value === undefined ? [] : [value])

export class Mirrors extends Context.Service<
  Mirrors,
  {
    readonly nodes: Store.Store<Node.Node, NodeIndex>
    readonly pods: Store.Store<Pod.Pod, PodIndex>
    readonly externalIPs: Store.Store<ExternalIP.ExternalIP, ExternalIPIndex>
    readonly firewallRules: Store.Store<FirewallRule.FirewallRule, FirewallRuleIndex>
    readonly inventory: Inventory["Service"]
    readonly report: (nodeName: string) => Report | undefined
    readonly reports: () => Iterable<Report>
    readonly publish: (report: Report) => void
    readonly forgetReport: (nodeName: string) => void
    /**
     * A write of an object by an actor, its reply taken in as that actor's own: the echo that a watch brings of it,
     * perhaps before the reply, does not wake the actor. What somebody else made of it meanwhile does.
     */
    readonly writing: <A, E, R>(
      kind: "Node" | "ExternalIP" | "FirewallRule",
      key: string,
      by: ActorRef | undefined,
      write: Effect.Effect<Raw, E, R>,
      takeIn: (reply: Raw) => A
    ) => Effect.Effect<A, E, R>
    /** Runs a synchronous write-through so that its changes are known to be this actor's own. */
    readonly attributed: <A>(by: ActorRef | undefined, write: () => A) => A
    readonly onChange: (listener: Listener) => void
  }
>()("kubestatic/operator/Mirrors") {}

const versionAfter = (change: Change): string | undefined => {
  switch (change._tag) {
    case "Node":
      return change.change.after?.resourceVersion
    case "ExternalIP":
    case "FirewallRule":
      return change.change.after?.metadata.resourceVersion
    default:
      return undefined
  }
}

const metadataOf = (a: { readonly metadata: { readonly uid: string; readonly resourceVersion: string } }) =>
  a.metadata

const make = Effect.gen(function* () {
  const settings = yield* Settings
  const inventory = yield* Inventory
  const nodeStore = yield* Store.make<Node.Node, NodeIndex>({
    resource: nodes,
    fields: Node.fields,
    decode: Node.decode,
    key: (n) => n.name,
    identity: (n) => n,
    isSame: Same.node,
    indexes: {
      instance: (n) => {
        const placement = settings.placementOf(n)
        return placement._tag === "Instance" ? [placement.instanceId] : []
      },
      address: (n) => present(n.address)
    }
  })
  const podStore = yield* Store.make<Pod.Pod, PodIndex>({
    resource: pods,
    labelSelector: addressLabel,
    fields: Pod.fields,
    decode: Pod.decode,
    key: (p) => p.key,
    identity: (p) => p,
    isSame: Same.pod,
    indexes: { address: (p) => present(p.address) }
  })
  const externalIPStore = yield* Store.make<ExternalIP.ExternalIP, ExternalIPIndex>({
    resource: externalIPs,
    fields: ExternalIP.fields,
    decode: (raw: Raw) => ExternalIP.decode(raw),
    key: (e) => e.metadata.name,
    identity: metadataOf,
    isSame: Same.object,
    indexes: {
      node: (e) => present(ExternalIP.nodeName(e)),
      publicIP: (e) => present(e.status.publicIPAddress),
      addressID: (e) => present(e.status.addressID),
      instance: (e) => present(e.status.instanceID)
    }
  })
  const firewallRuleStore = yield* Store.make<FirewallRule.FirewallRule, FirewallRuleIndex>({
    resource: firewallRules,
    fields: FirewallRule.fields,
    decode: (raw: Raw) => FirewallRule.decode(raw),
    key: (r) => r.metadata.name,
    identity: metadataOf,
    isSame: Same.object,
    indexes: {
      node: (r) => present(FirewallRule.nodeName(r)),
      publicIP: (r) => present(FirewallRule.publicIPAddress(r)),
      openOn: (r) => present(r.status.nodeName),
      group: (r) => present(r.status.firewallRuleID),
      closing: (r) => (FirewallRule.isDeleting(r) ? r.permissions.map(Permission.key) : [])
    }
  })

  const reports = new Map<string, Report>()
  const listeners: Array<Listener> = []
  let writer: ActorRef | undefined
  const tell = (change: Change, by: ActorRef | undefined = writer) => {
    for (const listener of listeners) listener(change, by)
  }
  /** By kind and key. */
  const echo = Echo.make<Change>()
  const heard = (change: Extract<Change, { readonly change: Store.Change<unknown> }>): void => {
    tell(change, writer ?? echo.writerOf(`${change._tag}/${change.change.key}`, change))
  }
  nodeStore.onChange((change) => heard({ _tag: "Node", change }))
  podStore.onChange((change) => tell({ _tag: "Pod", change }))
  externalIPStore.onChange((change) => heard({ _tag: "ExternalIP", change }))
  firewallRuleStore.onChange((change) => heard({ _tag: "FirewallRule", change }))
  // The only askers are behaviours, and they ask in the name of their actor.
  inventory.onChange((change, asker) =>
    tell({ _tag: "Ec2", change }, writer ?? (asker as ActorRef | undefined))
  )

  const attributed = <A>(by: ActorRef | undefined, write: () => A): A => {
    const outer = writer
    writer = by
    try {
      return write()
    } finally {
      writer = outer
    }
  }

  return Mirrors.of({
    nodes: nodeStore,
    pods: podStore,
    externalIPs: externalIPStore,
    firewallRules: firewallRuleStore,
    inventory,
    report: (nodeName) => reports.get(nodeName),
    reports: () => reports.values(),
    publish: (after) => {
      const before = reports.get(after.nodeName)
      reports.set(after.nodeName, after)
      tell({ _tag: "Report", before, after })
    },
    forgetReport: (nodeName) => {
      reports.delete(nodeName)
    },
    writing: (kind, key, by, write, takeIn) =>
      echo
        .during(
          `${kind}/${key}`,
          by,
          Effect.map(write, (reply) => ({ reply, known: attributed(by, () => takeIn(reply)) })),
          // The reply's own version: what is known by then may be newer, and of somebody else.
          (change, { reply }) => versionAfter(change) === reply.metadata.resourceVersion,
          (change) => tell(change, undefined)
        )
        .pipe(Effect.map(({ known }) => known)),
    attributed,
    onChange: (listener) => {
      listeners.push(listener)
    }
  })
})

export const layer: Layer.Layer<Mirrors, never, Kubernetes | Inventory | Settings> = Layer.effect(
  Mirrors,
  make
)
