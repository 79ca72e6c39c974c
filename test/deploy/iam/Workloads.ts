/**
 * Stories that together make the operator send every EC2 call it knows, in every relation to what it owns.
 * Rule: a story ends with what it tells settled; what policies say of its calls is judged elsewhere.
 */
import { Effect } from "effect"
import { autoAssignLabel, Tag } from "../../../src/domain/Names.ts"
import * as Permission from "../../../src/domain/Permission.ts"
import * as GoCluster from "../../scenario/GoCluster.ts"
import * as World from "../../World.ts"
import type * as Call from "./Call.ts"
import * as Recorder from "./Recorder.ts"

type Calls = ReadonlyArray<Call.Recorded>

const auto = { [autoAssignLabel]: "true" }

const one = (direction: Permission.Direction, sourceKind: "ipv4" | "ipv6", source: string) =>
  Permission.merge([
    { direction, protocol: "tcp", fromPort: 22, toPort: 22, sourceKind, source, description: "" }
  ])

/** Nodes come, are cordoned, go and are replaced; others interfere; addresses are kept and taken back. */
const addressesOfNodes = Effect.gen(function* () {
  const world = yield* World.make({ settings: { preventEIPDeallocation: true } })
  const recorded = Recorder.record(world.ec2)
  yield* world.start()
  for (const name of ["n1", "n2", "n3"]) yield* world.launch(name, { labels: auto })
  yield* world.pass("20 seconds")
  yield* world.change("Node", "n1", { spec: { unschedulable: true } })
  yield* world.launch("n4", { labels: auto })
  yield* world.pass("20 seconds")
  yield* world.goAway("n2")
  yield* world.launch("n2", { labels: auto })
  yield* world.pass("30 seconds")
  const [kept] = world.externalIPs()
  yield* world.remove("ExternalIP", String(kept?.metadata.name))
  yield* world.pass("20 seconds")
  const [address] = world.ec2.addresses().filter((a) => a.association !== undefined)
  yield* world.ec2.hand.disassociate(address?.allocationId ?? "")
  yield* world.pass("6 minutes")
  return recorded()
})

/** A user's own address is moved, comes off, and goes with its object; one is a duplicate of an attempt. */
const addressesOfUsers = Effect.gen(function* () {
  const world = yield* World.make()
  const recorded = Recorder.record(world.ec2)
  yield* world.launch("n1", { labels: {} })
  yield* world.launch("n2", { labels: {} })
  yield* world.start()
  yield* world.create("ExternalIP", "own", { nodeName: "n1" })
  yield* world.pass("10 seconds")
  const uid = String(world.externalIP("own")?.metadata.uid)
  const tags = { [Tag.managed]: "true", [Tag.clusterId]: World.clusterId, [Tag.externalIPName]: "own" }
  yield* world.ec2.hand.allocate({ tags: { ...tags, [Tag.uid]: uid } })
  yield* world.pass("6 minutes")
  yield* world.change("ExternalIP", "own", { spec: { nodeName: "n2" } })
  yield* world.pass("10 seconds")
  yield* world.change("ExternalIP", "own", { spec: { nodeName: null } })
  yield* world.pass("10 seconds")
  yield* world.change("ExternalIP", "own", { spec: { nodeName: "n1" } })
  yield* world.pass("10 seconds")
  yield* world.remove("ExternalIP", "own")
  yield* world.pass("10 seconds")
  return recorded()
})

/** Rules of both directions are opened beside groups of others, edited, moved, follow an address, and are closed. */
const rules = Effect.gen(function* () {
  const world = yield* World.make()
  yield* world.ec2.allow(
    "UpdateSecurityGroupRuleDescriptionsIngress",
    "UpdateSecurityGroupRuleDescriptionsEgress"
  )
  yield* world.launch("n1", { labels: {} })
  yield* world.launch("n2", { labels: {} })
  const foreign = yield* world.ec2.hand.createGroup({ name: "of others", vpcId: "vpc-1" })
  yield* world.ec2.hand.attachGroup(world.interfaceOf("n1"), foreign.groupId)
  const recorded = Recorder.record(world.ec2)
  yield* world.start()
  yield* world.create("FirewallRule", "in", { ...World.rule, nodeName: "n1" })
  yield* world.create("FirewallRule", "out", { ...World.rule, direction: "Egress", nodeName: "n1" })
  yield* world.create("FirewallRule", "ping", {
    ...World.rule,
    protocol: "icmp",
    fromPort: -1,
    nodeName: "n2"
  })
  yield* world.create("ExternalIP", "edge", { nodeName: "n1" })
  yield* world.pass("10 seconds")
  yield* world.create("FirewallRule", "follows", {
    ...World.rule,
    fromPort: 443,
    publicIPAddress: world.labelOf("n1")
  })
  yield* world.change("FirewallRule", "in", { spec: { description: "another" } })
  yield* world.change("FirewallRule", "out", { spec: { description: "another" } })
  yield* world.pass("10 seconds")
  yield* world.change("FirewallRule", "in", { spec: { fromPort: 81 } })
  yield* world.change("ExternalIP", "edge", { spec: { nodeName: "n2" } })
  yield* world.pass("10 seconds")
  const groupId = world.groups()[0]?.groupId ?? ""
  const byHand = { groupId, direction: "Ingress" } as const
  yield* world.ec2.hand.authorize({ ...byHand, permissions: one("Ingress", "ipv6", "::/0") })
  yield* world.ec2.hand.detachGroup(world.interfaceOf("n1"), groupId)
  yield* world.pass("6 minutes")
  yield* world.change("FirewallRule", "in", { spec: { nodeName: "n2" } })
  yield* world.remove("FirewallRule", "out")
  yield* world.pass("10 seconds")
  yield* world.goAway("n2")
  yield* world.launch("n2", { labels: {} })
  yield* world.pass("30 seconds")
  for (const name of ["in", "ping", "follows"]) yield* world.remove("FirewallRule", name)
  yield* world.pass("10 seconds")
  return recorded()
})

/** What the Go implementation made is taken over: used, emptied, detached, deleted and released. */
const takenOver = (from: string, adoptClusterIds: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { groups, world } = yield* GoCluster.make(from, { settings: { adoptClusterIds } })
    yield* world.ec2.hand.authorize({
      groupId: groups.n1,
      direction: "Ingress",
      permissions: one("Ingress", "ipv4", "0.0.0.0/0")
    })
    const tags = { [Tag.managed]: "true", [Tag.clusterId]: from, [Tag.nodeName]: "gone" }
    yield* world.ec2.hand.createGroup({ name: "kubestatic-leftbehind", vpcId: "vpc-1", tags })
    yield* world.remove("ExternalIP", GoCluster.named.own)
    const recorded = Recorder.record(world.ec2)
    yield* world.start()
    yield* world.pass("1 minute")
    for (const name of GoCluster.named.rules) yield* world.remove("FirewallRule", name)
    yield* world.pass("1 minute")
    return recorded()
  })

/** By name; each starts in worlds of its own. */
export const workloads = {
  addressesOfNodes,
  addressesOfUsers,
  rules,
  takenOver: takenOver(World.clusterId, []),
  adopted: takenOver("unset", ["unset"])
} as const

/** The calls of the stories named, in their order. */
export const callsOf = (...names: ReadonlyArray<keyof typeof workloads>): Effect.Effect<Calls> =>
  Effect.map(
    Effect.forEach(names, (name) => Effect.scoped(Effect.orDie(workloads[name]))),
    (all) => all.flat()
  )
