/**
 * What people and clouds do to a cluster, one thing at a time.
 * Rule: a step is done at once and by nobody's request; how long the worlds are left alone after it is part of it.
 */
import { autoAssignLabel, startupTaint } from "../../src/domain/Names.ts"
import type { Raw } from "../../src/domain/Object.ts"
import {
  externalIPs,
  firewallRules,
  leases,
  nodes,
  type ObjectRef,
  pods,
  type Resource
} from "../../src/kubernetes/Kubernetes.ts"
import type { ConditionsChange } from "../../src/simulation/Ec2Conditions.ts"
import type { World } from "./World.ts"

export type Fields = Readonly<Record<string, unknown>>

export interface Step {
  readonly what: string
  readonly act: (world: World) => void
  /** Until everything asked for is true, or so many milliseconds. */
  readonly pause: "settled" | number
}

export const vpcId = "vpc-1"
export const zone = "eu-west-1a"

export const step = (what: string, act: (world: World) => void, pause: Step["pause"] = "settled"): Step => ({
  what,
  act,
  pause
})

/** The next step comes after that many milliseconds, whatever is under way. */
export const after = (millis: number, s: Step): Step => ({ ...s, pause: millis })
/** Not long enough for the first thing to be done. */
export const soon = (s: Step): Step => after(130, s)

export const auto: Fields = { [autoAssignLabel]: "true" }
export const plain: Fields = {}

const instanceOf = (world: World, name: string): string => {
  const spec = world.cluster.get(nodes, { name })?.spec as Fields | undefined
  return (
    String(spec?.providerID ?? "")
      .split("/")
      .at(-1) ?? ""
  )
}

/** An instance with a public interface and a group of somebody else's on it. */
const launchInstance = (world: World): string => {
  const { hand } = world.ec2
  const { quotas } = world.ec2.conditions()
  // Whoever launches it has its groups already: a quota that is reached for us does not stop that.
  world.act(world.ec2.change({ quotas: { groups: 1_000, groupsPerInterface: 10 } }))
  const { instanceId, interfaceIds } = world.act(
    hand.launch({ zone, vpcId, interfaces: [{ isPublic: true }] })
  )
  const { groupId } = world.act(hand.createGroup({ name: `foreign-${instanceId}`, vpcId }))
  world.act(hand.attachGroup(interfaceIds[0] ?? "", groupId))
  world.act(world.ec2.change({ quotas }))
  return instanceId
}

const nodeOn = (instanceId: string | undefined, name: string, labels: Fields): Raw => ({
  metadata: { name, labels },
  spec: {
    ...(instanceId === undefined ? {} : { providerID: `aws:///${zone}/${instanceId}` }),
    taints: [{ key: startupTaint, effect: "NoSchedule" }]
  }
})

export const launch = (name: string, labels: Fields = auto): Step =>
  step(`node ${name} appears`, (world) => {
    world.act(world.cluster.create(nodes, nodeOn(launchInstance(world), name, labels)))
  })

/** The cloud controller writes its providerID a moment later. */
export const launchUnnamed = (name: string, labels: Fields = auto): ReadonlyArray<Step> => [
  after(
    500,
    step(`node ${name} appears without a providerID`, (world) => {
      world.act(world.cluster.create(nodes, nodeOn(undefined, name, labels)))
    })
  ),
  step(`node ${name} gets its providerID`, (world) => {
    const providerID = `aws:///${zone}/${launchInstance(world)}`
    world.act(world.cluster.patch(nodes, { name }, { spec: { providerID } }))
  })
]

/** The Node first, or the instance first and its Node some seconds later. */
export const vanish = (name: string): Step =>
  step(`node ${name} goes, then its instance`, (world) => {
    const instanceId = instanceOf(world, name)
    world.act(world.cluster.remove(nodes, { name }))
    world.act(world.ec2.hand.terminate(instanceId))
  })
export const die = (name: string): ReadonlyArray<Step> => [
  after(
    3_000,
    step(`the instance of ${name} goes`, (world) =>
      world.act(world.ec2.hand.terminate(instanceOf(world, name)))
    )
  ),
  step(`node ${name} goes`, (world) => {
    world.act(world.cluster.remove(nodes, { name }))
  })
]

const kinds = { ExternalIP: externalIPs, FirewallRule: firewallRules, Node: nodes } as const
type KindName = keyof typeof kinds
const resourceOf = (kind: KindName): Resource => kinds[kind]

/** An object that is gone already cannot be changed any more: whoever tries is told so. */
const there = (world: World, resource: Resource, name: string): boolean =>
  world.cluster.get(resource, { name }) !== undefined

export const change = (kind: KindName, name: string, patch: Fields): Step =>
  step(`${kind} ${name}: ${JSON.stringify(patch)}`, (world) => {
    if (there(world, resourceOf(kind), name))
      world.act(world.cluster.patch(resourceOf(kind), { name }, patch))
  })

export const remove = (kind: "ExternalIP" | "FirewallRule", name: string): Step =>
  step(`${kind} ${name} is deleted`, (world) => {
    if (there(world, resourceOf(kind), name)) world.act(world.cluster.remove(resourceOf(kind), { name }))
  })

/** The name is free once the object before it is gone: until then a person tries again. */
const whenFree = (world: World, resource: Resource, name: string): void =>
  world.pass(15 * 60_000, () => world.cluster.get(resource, { name }) === undefined)

export const address = (name: string, spec: Fields = {}): Step =>
  step(`ExternalIP ${name} is made: ${JSON.stringify(spec)}`, (world) => {
    whenFree(world, externalIPs, name)
    world.act(world.cluster.create(externalIPs, { metadata: { name }, spec }))
  })

export const ruleSpec: Fields = {
  description: "d",
  direction: "Ingress",
  protocol: "tcp",
  fromPort: 80,
  ipRanges: [{ cidr: "10.0.0.0/8" }]
}

export const rule = (name: string, spec: Fields): Step =>
  step(`FirewallRule ${name} is made: ${JSON.stringify(spec)}`, (world) => {
    whenFree(world, firewallRules, name)
    world.act(world.cluster.create(firewallRules, { metadata: { name }, spec: { ...ruleSpec, ...spec } }))
  })

/** Opened on whatever node holds the address that the ExternalIP has now. */
export const follow = (name: string, followed: string): Step =>
  step(`FirewallRule ${name} follows ExternalIP ${followed}`, (world) => {
    const status = world.cluster.get(externalIPs, { name: followed })?.status as Fields | undefined
    rule(name, { publicIPAddress: status?.publicIPAddress }).act(world)
  })

const addressKey = "kubestatic.quortex.io/externalip"

export const pod = (name: string, nodeName: string): Step =>
  after(
    100,
    step(`a pod on ${nodeName} asks for the address there`, (world) => {
      const labels = (world.cluster.get(nodes, { name: nodeName })?.metadata.labels ?? {}) as Fields
      world.act(
        world.cluster.create(pods, {
          metadata: { name, namespace: "default", labels: { [addressKey]: labels[addressKey] ?? "none" } },
          spec: { nodeName },
          status: { phase: "Running" }
        })
      )
    })
  )
export const podEnds = (name: string): Step =>
  step(`pod ${name} succeeds`, (world) => {
    const ref = { name, namespace: "default" }
    world.act(world.cluster.patch(pods, ref, { status: { phase: "Succeeded" } }, "status"))
  })
export const podGoes = (name: string): Step =>
  step(`pod ${name} is deleted`, (world) => {
    world.act(world.cluster.remove(pods, { name, namespace: "default" }))
  })

export const conditions = (what: string, by: ConditionsChange): Step =>
  step(what, (world) => world.act(world.ec2.change(by)))
export const allow = (...actions: ReadonlyArray<string>): Step =>
  step(`EC2 allows ${actions.join(", ")}`, (world) => world.act(world.ec2.allow(...actions)))

const toLease = (what: string, act: (world: World, ref: ObjectRef) => void): Step =>
  step(what, (world) => {
    for (const { metadata } of world.cluster.all(leases))
      act(world, { name: String(metadata.name), namespace: String(metadata.namespace) })
  })

/** Its holder makes it again. */
export const leaseGoes: Step = after(
  5_000,
  toLease("the lease is deleted", (world, ref) => {
    world.act(world.cluster.remove(leases, ref))
  })
)

/** Whoever sees it first takes it, as after a leader that let go. */
export const leaseIsFreed: Step = after(
  25_000,
  toLease("the lease is freed by hand", (world, ref) => {
    world.act(world.cluster.patch(leases, ref, { spec: { holderIdentity: "" } }))
  })
)

/** Things go on by themselves. */
export const wait = (millis: number): Step =>
  after(
    millis,
    step("time passes", () => undefined)
  )

/** Behind the operator's back. */
export const takenOff: Step = step("the addresses are taken off by hand", (world) => {
  for (const { allocationId, association } of world.ec2.addresses()) {
    if (association !== undefined) world.act(world.ec2.hand.disassociate(allocationId))
  }
})

/** Objects first, then nodes and their instances. */
export const everythingGoes: ReadonlyArray<Step> = [
  step("everything is deleted", (world) => {
    for (const resource of [firewallRules, externalIPs]) {
      for (const { metadata } of world.cluster.all(resource)) {
        world.act(world.cluster.remove(resource, { name: String(metadata.name) }))
      }
    }
    for (const { metadata } of world.cluster.all(pods)) {
      world.act(
        world.cluster.remove(pods, { name: String(metadata.name), namespace: String(metadata.namespace) })
      )
    }
    for (const { metadata } of world.cluster.all(nodes)) {
      const name = String(metadata.name)
      // Deleted with its node, so that nobody gives it another address meanwhile.
      const instanceId = instanceOf(world, name)
      world.act(world.cluster.remove(nodes, { name }))
      if (world.ec2.instance(instanceId) !== undefined) world.act(world.ec2.hand.terminate(instanceId))
    }
  })
]

const stranger = (world: World) => world.ec2.addresses().find((a) => a.tags.owner === "somebody else")

export const strangerOn = (name: string): Step =>
  after(
    100,
    step(`somebody else's address is put on node ${name}`, (world) => {
      const networkInterfaceId = world.ec2.instance(instanceOf(world, name))?.interfaces[0]
        ?.networkInterfaceId
      world.act(world.ec2.hand.moveAddress(stranger(world)?.allocationId ?? "", networkInterfaceId ?? ""))
    })
  )
export const strangerOff: Step = step("somebody else's address is taken off", (world) => {
  world.act(world.ec2.hand.disassociate(stranger(world)?.allocationId ?? ""))
})

export { externalIPs, instanceOf }
