/**
 * A cluster as the Go implementation 0.14 leaves it: objects, statuses, annotations, tags and groups.
 * Rule: made by hand in both worlds, through what that implementation writes and nothing else.
 *
 * What it writes, as read in its sources (quortex/kubestatic: internal/provider/aws, internal/controller, api/v1alpha1):
 * addresses carry managed, cluster-id, external-ip-name and instance-id; groups are called `kubestatic-` and ten random
 * characters, carry managed, cluster-id, node-name and instance-id, and have lost their first egress rule; nothing
 * carries a uid or a Name. Only FirewallRules have the node-name annotation. The second pass over an attached address
 * drops status.instanceID. Auto-assigned objects have names of generateName.
 */
import { Effect } from "effect"
import {
  addressLabel,
  group as apiGroup,
  autoAssignLabel,
  externalIPFinalizer,
  firewallRuleFinalizer,
  Tag
} from "../../src/domain/Names.ts"
import * as Permission from "../../src/domain/Permission.ts"
import { externalIPs, firewallRules, nodes } from "../../src/kubernetes/Kubernetes.ts"
import * as World from "../World.ts"
import { appliedStatus, held } from "./GoConditions.ts"

export const nodeNameAnnotation = `${apiGroup}/node-name`

type Made = Effect.Success<ReturnType<typeof World.make>>

const makeAddress = Effect.fnUntraced(function* (
  world: Made,
  clusterId: string,
  name: string,
  nodeName: string | undefined,
  metadata: Readonly<Record<string, unknown>>
) {
  const instanceId = nodeName === undefined ? "" : world.instanceOf(nodeName)
  const address = yield* world.ec2.hand.allocate({
    tags: {
      [Tag.managed]: "true",
      [Tag.externalIPName]: name,
      [Tag.instanceId]: instanceId,
      [Tag.clusterId]: clusterId
    }
  })
  yield* world.create(
    "ExternalIP",
    name,
    { ...(nodeName === undefined ? {} : { nodeName }) },
    { finalizers: [externalIPFinalizer], ...metadata }
  )
  if (nodeName !== undefined) {
    yield* world.ec2.hand.moveAddress(address.allocationId, world.interfaceOf(nodeName))
    const labels = { [addressLabel]: address.publicIp }
    yield* world.kubernetes.patch(nodes, { name: nodeName }, { metadata: { labels } })
  }
  const status = {
    state: nodeName === undefined ? "Reserved" : "Associated",
    addressID: address.allocationId,
    publicIPAddress: address.publicIp,
    conditions: nodeName === undefined ? held("IPCreated") : held("IPCreated", "NetworkInterfaceAssociated")
  }
  yield* world.kubernetes.patch(externalIPs, { name }, { status }, "status")
  return address
})

/** A spec with one or more ranges, as a FirewallRule has it. */
export type RuleSpec = Readonly<Record<string, unknown>> & Parameters<typeof Permission.fromSpec>[0]

const makeGroup = Effect.fnUntraced(function* (
  world: Made,
  o: { readonly clusterId: string; readonly nodeName: string; readonly suffix: string },
  specs: ReadonlyArray<readonly [string, RuleSpec]>
) {
  const { clusterId, nodeName, suffix } = o
  const instanceId = world.instanceOf(nodeName)
  const networkInterfaceId = world.interfaceOf(nodeName)
  const { groupId } = yield* world.ec2.hand.createGroup({
    name: `kubestatic-${suffix}`,
    vpcId: "vpc-1",
    tags: {
      [Tag.managed]: "true",
      [Tag.nodeName]: nodeName,
      [Tag.instanceId]: instanceId,
      [Tag.clusterId]: clusterId
    }
  })
  const first = world.ec2.group(groupId)?.permissions ?? []
  yield* world.ec2.hand.revoke({ groupId, direction: "Egress", permissions: Permission.merge(first) })
  yield* world.ec2.hand.attachGroup(networkInterfaceId, groupId)
  for (const [name, spec] of specs) {
    const permissions = Permission.fromSpec(spec)
    if (permissions._tag === "Failure") return yield* Effect.die(permissions.failure)
    for (const one of permissions.success) {
      yield* world.ec2.hand.authorize({
        groupId,
        direction: one.direction,
        permissions: Permission.merge([one])
      })
    }
    const annotations = { [nodeNameAnnotation]: nodeName }
    yield* world.create(
      "FirewallRule",
      name,
      { ...spec, nodeName },
      { finalizers: [firewallRuleFinalizer], annotations }
    )
    const status = appliedStatus({ groupId, instanceId, networkInterfaceId }, spec)
    yield* world.kubernetes.patch(firewallRules, { name }, { status }, "status")
  }
  return groupId
})

/** Ranges of one port in two rules, so that EC2 tells them merged; and one of every other sort. */
const rulesOfN1: ReadonlyArray<readonly [string, RuleSpec]> = [
  [
    "https",
    { ...World.rule, fromPort: 443, toPort: 443, ipRanges: [{ cidr: "10.0.0.0/8", description: "a" }] }
  ],
  [
    "https-too",
    { ...World.rule, fromPort: 443, toPort: 443, ipRanges: [{ cidr: "192.0.2.0/24", description: "b" }] }
  ],
  ["no-to-port", { ...World.rule, fromPort: 80, ipRanges: [{ cidr: "10.0.0.0/8", description: "" }] }],
  [
    "out",
    {
      ...World.rule,
      direction: "Egress",
      fromPort: 53,
      toPort: 53,
      protocol: "udp",
      ipRanges: [{ cidr: "0.0.0.0/0", description: "" }]
    }
  ]
]
const rulesOfN2: ReadonlyArray<readonly [string, RuleSpec]> = [
  [
    "range",
    {
      ...World.rule,
      fromPort: 8000,
      toPort: 8100,
      ipRanges: [
        { cidr: "10.1.0.0/16", description: "" },
        { cidr: "10.2.0.0/16", description: "x" }
      ]
    }
  ]
]

/** Names of the objects in it. */
export const named = {
  own: "edge",
  auto: "auto-assigned-x7k2p",
  free: "auto-assigned-q9z4m",
  rules: [...rulesOfN1, ...rulesOfN2].map(([name]) => name)
} as const

/** Two nodes with an address and a group each, and a free address; nothing runs yet. */
export const make = Effect.fnUntraced(function* (clusterId: string, options: World.Options = {}) {
  const world = yield* World.make(options)
  yield* world.launch("n1", { labels: {} })
  yield* world.launch("n2")
  const auto = { labels: { [autoAssignLabel]: "true" }, generateName: "auto-assigned-" }
  const own = yield* makeAddress(world, clusterId, named.own, "n1", {})
  yield* makeAddress(world, clusterId, named.auto, "n2", auto)
  yield* makeAddress(world, clusterId, named.free, undefined, auto)
  const groups = {
    n1: yield* makeGroup(world, { clusterId, nodeName: "n1", suffix: "bz5xk8w2qp" }, rulesOfN1),
    n2: yield* makeGroup(world, { clusterId, nodeName: "n2", suffix: "7d4hfn9t6c" }, rulesOfN2)
  }
  return { world, own, groups }
})
