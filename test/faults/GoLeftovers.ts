/**
 * What the Go implementation 0.14 leaves behind, made by hand: an address and a group on a node, with their objects.
 * Rule: tags, names, finalizers, annotations and statuses exactly as it writes them; no uid, no Name, a random group name.
 */
import { addressLabel, externalIPFinalizer, firewallRuleFinalizer, Tag } from "../../src/domain/Names.ts"
import * as Permission from "../../src/domain/Permission.ts"
import { externalIPs, firewallRules, nodes } from "../../src/kubernetes/Kubernetes.ts"
import { appliedStatus, held } from "../scenario/GoConditions.ts"
import * as Steps from "./Steps.ts"
import { clusterId, type World } from "./World.ts"

const primaryOf = (world: World, instanceId: string): string =>
  world.ec2.instance(instanceId)?.interfaces[0]?.networkInterfaceId ?? ""

const leaveAddress = (world: World, name: string, nodeName: string): void => {
  const { act, cluster, ec2 } = world
  const instanceId = Steps.instanceOf(world, nodeName)
  const tags = {
    [Tag.managed]: "true",
    [Tag.externalIPName]: name,
    [Tag.instanceId]: instanceId,
    [Tag.clusterId]: clusterId
  }
  const { allocationId, publicIp } = act(ec2.hand.allocate({ tags }))
  act(ec2.hand.moveAddress(allocationId, primaryOf(world, instanceId)))
  act(
    cluster.create(externalIPs, { metadata: { name, finalizers: [externalIPFinalizer] }, spec: { nodeName } })
  )
  const status = {
    state: "Associated",
    addressID: allocationId,
    publicIPAddress: publicIp,
    conditions: held("IPCreated", "NetworkInterfaceAssociated")
  }
  act(cluster.patch(externalIPs, { name }, { status }, "status"))
  act(
    cluster.patch(
      nodes,
      { name: nodeName },
      { metadata: { labels: { [addressLabel]: publicIp } }, spec: { taints: null } }
    )
  )
}

const leaveRule = (world: World, name: string, nodeName: string): void => {
  const { act, cluster, ec2 } = world
  const instanceId = Steps.instanceOf(world, nodeName)
  const networkInterfaceId = primaryOf(world, instanceId)
  const tags = {
    [Tag.managed]: "true",
    [Tag.nodeName]: nodeName,
    [Tag.instanceId]: instanceId,
    [Tag.clusterId]: clusterId
  }
  const { groupId } = act(ec2.hand.createGroup({ name: "kubestatic-x7k2m9q4ab", vpcId: Steps.vpcId, tags }))
  const born = ec2.group(groupId)?.permissions ?? []
  act(ec2.hand.revoke({ groupId, direction: "Egress", permissions: Permission.merge(born) }))
  const spec = { ...Steps.ruleSpec, nodeName, toPort: 80 }
  const permissions = Permission.fromSpec(spec as unknown as Parameters<typeof Permission.fromSpec>[0])
  if (permissions._tag === "Success") {
    act(
      ec2.hand.authorize({
        groupId,
        direction: "Ingress",
        permissions: Permission.merge(permissions.success)
      })
    )
  }
  act(ec2.hand.attachGroup(networkInterfaceId, groupId))
  const annotations = { "kubestatic.quortex.io/node-name": nodeName }
  act(
    cluster.create(firewallRules, {
      metadata: { name, finalizers: [firewallRuleFinalizer], annotations },
      spec
    })
  )
  const status = appliedStatus({ groupId, instanceId, networkInterfaceId }, spec)
  act(cluster.patch(firewallRules, { name }, { status }, "status"))
}

/** Before any operator of ours starts. */
export const leave = Steps.after(
  0,
  Steps.step("the Go implementation leaves a node with an address and a rule", (world) => {
    Steps.launch("a", Steps.plain).act(world)
    leaveAddress(world, "e", "a")
    leaveRule(world, "r", "a")
  })
)
