import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { externalIPFinalizer, firewallRuleFinalizer, Tag } from "../../src/domain/Names.ts"
import * as Permission from "../../src/domain/Permission.ts"
import { externalIPs, firewallRules } from "../../src/kubernetes/Kubernetes.ts"
import * as World from "../World.ts"

const prefix = "kubestatic.quortex.io"

/** A cluster as the Go implementation leaves it: tags without uid, a random group name, the default egress rule. */
const asGoLeftIt = Effect.fnUntraced(function* (clusterId: string, options: World.Options = {}) {
  const world = yield* World.make(options)
  const { instanceId } = yield* world.launch("n1", { labels: {} })
  const eni = world.interfaceOf("n1")
  const address = yield* world.ec2.hand.allocate({
    tags: { [Tag.managed]: "true", [Tag.clusterId]: clusterId, [Tag.externalIPName]: "e" }
  })
  yield* world.ec2.hand.moveAddress(address.allocationId, eni)
  const group = yield* world.ec2.hand.createGroup({
    name: "kubestatic-7f3a9c",
    vpcId: "vpc-1",
    tags: {
      [Tag.managed]: "true",
      [Tag.clusterId]: clusterId,
      [Tag.nodeName]: "n1",
      [Tag.instanceId]: instanceId
    }
  })
  const wanted = Permission.fromSpec({ ...World.rule, ipRanges: [{ cidr: "10.0.0.0/8" }] })
  assert(wanted._tag === "Success")
  yield* world.ec2.hand.authorize({
    groupId: group.groupId,
    direction: "Ingress",
    permissions: Permission.merge(wanted.success)
  })
  yield* world.ec2.hand.attachGroup(eni, group.groupId)
  const annotations = { [`${prefix}/node-name`]: "n1" }
  yield* world.create(
    "ExternalIP",
    "e",
    { nodeName: "n1" },
    { finalizers: [externalIPFinalizer], annotations }
  )
  yield* world.kubernetes.patch(
    externalIPs,
    { name: "e" },
    {
      status: {
        state: "Associated",
        addressID: address.allocationId,
        publicIPAddress: address.publicIp,
        instanceID: instanceId,
        networkInterfaceID: eni
      }
    },
    "status"
  )
  yield* world.create(
    "FirewallRule",
    "r",
    { ...World.rule, nodeName: "n1" },
    { finalizers: [firewallRuleFinalizer], annotations }
  )
  yield* world.kubernetes.patch(
    firewallRules,
    { name: "r" },
    {
      status: {
        state: "Applied",
        firewallRuleID: group.groupId,
        instanceID: instanceId,
        networkInterfaceID: eni,
        lastTransitionTime: "2024-01-01T00:00:00Z",
        lastApplied: "{}"
      }
    },
    "status"
  )
  return { world, address, group }
})

/** What an upgrade must not do to anything that an object asks for. */
const harmful = (mutations: Readonly<Record<string, number>>) =>
  [
    "RevokeSecurityGroupIngress",
    "DisassociateAddress",
    "ReleaseAddress",
    "DeleteSecurityGroup",
    "AllocateAddress",
    "CreateSecurityGroup"
  ].filter((action) => mutations[action] !== undefined)

describe("taking over from the Go implementation", () => {
  for (const [what, clusterId, adopt] of [
    ["with its cluster id", World.clusterId, []],
    ["with its default id, adopted", "unset", ["unset"]]
  ] as const) {
    it.effect(`${what}: nothing is revoked, disassociated, released or bought`, () =>
      Effect.gen(function* () {
        const { address, group, world } = yield* asGoLeftIt(clusterId, {
          settings: { adoptClusterIds: adopt }
        })
        const gaps = world.watchGaps("n1", "Ingress|tcp|80|80|ipv4|10.0.0.0/8")
        yield* world.start()
        yield* world.pass("10 minutes")
        assert.deepStrictEqual(harmful(world.mutations()), [])
        assert.strictEqual(gaps(), 0)
        assert.strictEqual(world.labelOf("n1"), address.publicIp)
        assert.deepInclude(world.statusOf("ExternalIP", "e"), {
          state: "Associated",
          addressID: address.allocationId
        })
        assert.deepInclude(world.statusOf("FirewallRule", "r"), {
          state: "Applied",
          firewallRuleID: group.groupId,
          nodeName: "n1"
        })
        assert.strictEqual(world.ec2.address(address.allocationId)?.tags[Tag.clusterId], World.clusterId)
        assert.isDefined(world.ec2.address(address.allocationId)?.tags[Tag.uid])
        // The tags that are missing are added once.
        const tagged = world.mutations().CreateTags
        yield* world.pass("1 hour")
        assert.strictEqual(world.mutations().CreateTags, tagged)
      })
    )
  }
  it.effect("with another id and without the flag nothing is touched or bought: AddressNotOwned", () =>
    Effect.gen(function* () {
      const { world } = yield* asGoLeftIt("unset")
      yield* world.start()
      yield* world.pass("10 minutes")
      assert.deepStrictEqual(world.mutations(), {})
      assert.deepInclude(world.condition("ExternalIP", "e", "Ready"), { reason: "AddressNotOwned" })
      assert.deepInclude(world.condition("FirewallRule", "r", "Ready"), { reason: "AddressNotOwned" })
    })
  )
  it.effect("leftovers are closed after the first sweep and told", () =>
    Effect.gen(function* () {
      const { group, world } = yield* asGoLeftIt(World.clusterId)
      yield* world.ec2.hand.authorize({
        groupId: group.groupId,
        direction: "Ingress",
        permissions: Permission.merge([
          {
            direction: "Ingress",
            protocol: "tcp",
            fromPort: 22,
            toPort: 22,
            sourceKind: "ipv4",
            source: "0.0.0.0/0",
            description: ""
          }
        ])
      })
      yield* world.start()
      yield* world.pass("1 minute")
      assert.deepStrictEqual(world.openOn("n1"), ["Ingress|tcp|80|80|ipv4|10.0.0.0/8"])
      assert.include(world.events(), "LeftoversClosed")
    })
  )
})
