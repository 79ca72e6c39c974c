import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { firewallRuleFinalizer, Tag } from "../../src/domain/Names.ts"
import * as Permission from "../../src/domain/Permission.ts"
import type { Ec2, RulesRequest } from "../../src/ec2/Ec2.ts"
import { Ec2Error, fromCode } from "../../src/ec2/Ec2Error.ts"
import { nodes } from "../../src/kubernetes/Kubernetes.ts"
import { KubernetesError } from "../../src/kubernetes/KubernetesError.ts"
import { reasonOfAnswer } from "../../src/kubernetes/StatusCode.ts"
import * as World from "../World.ts"
import { isMutating } from "../World.ts"

const on = (nodeName: string, spec: Readonly<Record<string, unknown>> = {}) => ({
  ...World.rule,
  nodeName,
  ...spec
})
const ranges = (...cidrs: ReadonlyArray<string>) => ({ ipRanges: cidrs.map((cidr) => ({ cidr })) })

/** One node, running, and the operator over it. */
const oneNode = Effect.fnUntraced(function* (options: World.Options = {}) {
  const world = yield* World.make(options)
  yield* world.launch("n1", { labels: {} })
  yield* world.start()
  yield* world.pass("1 second")
  return world
})

describe("a rule on a node", () => {
  it.effect("is opened in a group of the node, attached to its interface, and Applied", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "web", on("n1"))
      yield* world.pass("5 seconds")
      assert.deepStrictEqual(world.openOn("n1"), ["Ingress|tcp|80|80|ipv4|10.0.0.0/8"])
      assert.deepInclude(world.statusOf("FirewallRule", "web"), { state: "Applied", nodeName: "n1" })
      assert.deepInclude(world.condition("FirewallRule", "web", "Ready"), { status: "True" })
      const [group] = world.groups()
      assert.strictEqual(group?.name, `kubestatic/${World.clusterId}/n1`)
      assert.strictEqual(world.mutations().CreateSecurityGroup, 1)
    })
  )
  it.effect("costs at most four mutating calls per node, five with egress", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      for (let i = 0; i < 10; i++)
        yield* world.create("FirewallRule", `r${i}`, on("n1", { fromPort: 1000 + i }))
      yield* world.pass("5 seconds")
      const count = () => Object.values(world.mutations()).reduce((a, b) => a + b, 0)
      assert.strictEqual(world.openOn("n1").length, 10)
      assert.isAtMost(count(), 4)
    })
  )
  it.effect("F1, F2: two on one port with different ranges are both open, and go one by one", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "a", on("n1", ranges("10.0.0.0/8")))
      yield* world.pass("5 seconds")
      yield* world.create("FirewallRule", "b", on("n1", ranges("192.168.0.0/16")))
      yield* world.pass("5 seconds")
      assert.strictEqual(world.openOn("n1").length, 2)
      assert.deepStrictEqual([world.state("a"), world.state("b")], ["Applied", "Applied"])
      yield* world.remove("FirewallRule", "b")
      yield* world.pass("5 seconds")
      assert.deepStrictEqual(world.openOn("n1"), ["Ingress|tcp|80|80|ipv4|10.0.0.0/8"])
      assert.isUndefined(world.firewallRule("b"))
    })
  )
  for (const [what, spec] of [
    ["F3: omitted toPort", {}],
    ["F8: host bits", ranges("10.1.2.3/8")],
    ["F9: TCP", { protocol: "TCP" }],
    ["F9: 6", { protocol: "6" }],
    ["F9: -1 without ports", { protocol: "-1", fromPort: 0 }],
    ["F10: ICMP type 0", { protocol: "icmp", fromPort: 0 }],
    ["a protocol number", { protocol: "50", fromPort: 0 }]
  ] as const) {
    it.effect(`${what}: one rule, and no write at rest`, () =>
      Effect.gen(function* () {
        const world = yield* oneNode()
        yield* world.create("FirewallRule", "r", on("n1", spec))
        yield* world.pass("1 minute")
        const before = [world.openOn("n1"), world.mutations(), world.writes().length]
        assert.strictEqual(world.openOn("n1").length, 1)
        assert.strictEqual(world.state("r"), "Applied")
        yield* world.pass("1 hour")
        assert.deepStrictEqual([world.openOn("n1"), world.mutations(), world.writes().length], before)
      })
    )
  }
  it.effect("F5: nodeName cleared: closed, then Pending", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      yield* world.change("FirewallRule", "r", { spec: { nodeName: null } })
      yield* world.pass("10 seconds")
      assert.deepStrictEqual(world.groups(), [])
      assert.strictEqual(world.state("r"), "Pending")
      assert.deepInclude(world.condition("FirewallRule", "r", "Ready"), { reason: "NotRequested" })
    })
  )
  it.effect("F11: the same rule with another description is one EC2 rule, gone with the last object", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "a", on("n1", { description: "one" }))
      yield* world.create("FirewallRule", "b", on("n1", { description: "two" }))
      yield* world.pass("5 seconds")
      assert.strictEqual(world.openOn("n1").length, 1)
      assert.deepStrictEqual([world.state("a"), world.state("b")], ["Applied", "Applied"])
      yield* world.remove("FirewallRule", "a")
      yield* world.pass("5 seconds")
      assert.deepStrictEqual([world.openOn("n1").length, world.firewallRule("a")], [1, undefined])
      yield* world.remove("FirewallRule", "b")
      yield* world.pass("10 seconds")
      assert.deepStrictEqual([world.groups(), world.firewallRule("b")], [[], undefined])
    })
  )
  it.effect("F12: an edited description never closes the port; denied, the rule stays Applied", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      const gaps = world.watchGaps("n1", "Ingress|tcp|80|80|ipv4|10.0.0.0/8")
      yield* world.change("FirewallRule", "r", { spec: { description: "new" } })
      yield* world.pass("5 seconds")
      assert.strictEqual(world.state("r"), "Applied")
      assert.deepInclude(world.events(), "DescriptionNotUpdated")
      assert.strictEqual(gaps(), 0)
      assert.isUndefined(world.mutations().RevokeSecurityGroupIngress)
      yield* world.ec2.allow("UpdateSecurityGroupRuleDescriptionsIngress")
      yield* world.change("FirewallRule", "r", { spec: { description: "newer" } })
      yield* world.pass("5 seconds")
      assert.strictEqual(
        world.groups()[0]?.permissions.find((p) => p.direction === "Ingress")?.description,
        "newer"
      )
    })
  )
  it.effect("a changed port is opened before the old one is closed", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      yield* world.change("FirewallRule", "r", { spec: { fromPort: 443 } })
      yield* world.pass("5 seconds")
      assert.deepStrictEqual(world.openOn("n1"), ["Ingress|tcp|443|443|ipv4|10.0.0.0/8"])
      const order = world.ec2
        .journal()
        .map((e) => e.action)
        .filter((a) => /Ingress$/.test(a))
      assert.deepStrictEqual(order, [
        "AuthorizeSecurityGroupIngress",
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupIngress"
      ])
    })
  )
  it.effect("F13: what others put into our group is revoked within one sweep", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("10 minutes")
      const groupId = world.groups()[0]?.groupId ?? ""
      yield* world.ec2.hand.authorize({
        groupId,
        direction: "Ingress",
        permissions: Permission.merge([
          {
            direction: "Ingress",
            protocol: "tcp",
            fromPort: 22,
            toPort: 22,
            sourceKind: "ipv6",
            source: "::/0",
            description: ""
          }
        ])
      })
      yield* world.pass("6 minutes")
      assert.deepStrictEqual(world.openOn("n1"), ["Ingress|tcp|80|80|ipv4|10.0.0.0/8"])
    })
  )
  it.effect("a rule removed by hand, and a group detached by hand, are put back within one sweep", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("10 minutes")
      const [group] = world.groups()
      assert(group !== undefined)
      yield* world.ec2.hand.revoke({
        groupId: group.groupId,
        direction: "Ingress",
        permissions: Permission.merge(group.permissions)
      })
      yield* world.pass("6 minutes")
      assert.strictEqual(world.openOn("n1").length, 1)
      yield* world.ec2.hand.detachGroup(world.interfaceOf("n1"), group.groupId)
      assert.strictEqual(world.openOn("n1").length, 0)
      yield* world.pass("6 minutes")
      assert.strictEqual(world.openOn("n1").length, 1)
    })
  )
  it.effect("stays open while a gateway answers 404 for the API server, and is served on afterwards", () =>
    Effect.gen(function* () {
      let isLost = false
      const lost = <A>(call: Effect.Effect<A, KubernetesError>) =>
        Effect.suspend(() => {
          if (!isLost) return call
          const reason = reasonOfAnswer({ code: 404, body: "default backend - 404", retryAfter: undefined })
          return Effect.fail(new KubernetesError({ operation: "test", reason }))
        })
      const world = yield* oneNode({
        through: (k) => ({
          ...k,
          get: (...asked) => lost(k.get(...asked)),
          patch: (...asked) => lost(k.patch(...asked))
        })
      })
      yield* world.create("FirewallRule", "web", on("n1"))
      yield* world.pass("10 seconds")
      const open = world.openOn("n1")
      isLost = true
      yield* world.change("FirewallRule", "web", { spec: { description: "edited" } })
      yield* world.pass("10 minutes")
      assert.deepStrictEqual(world.openOn("n1"), open)
      isLost = false
      yield* world.pass("6 minutes")
      yield* world.change("FirewallRule", "web", { spec: { fromPort: 81 } })
      yield* world.pass("10 seconds")
      assert.notDeepEqual(world.openOn("n1"), open)
      assert.strictEqual(world.openOn("n1").length, 1)
    })
  )
  it.effect("F6: foreign groups stay on the interface, whatever comes and goes", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      const foreign = yield* world.ec2.hand.createGroup({ name: "foreign", vpcId: "vpc-1" })
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      yield* world.ec2.hand.attachGroup(world.interfaceOf("n1"), foreign.groupId)
      yield* world.remove("FirewallRule", "r")
      yield* world.pass("10 seconds")
      assert.include(world.ec2.networkInterface(world.interfaceOf("n1"))?.groupIds ?? [], foreign.groupId)
      assert.deepStrictEqual(world.groups(), [])
    })
  )
})

describe("a rule that moves", () => {
  const twoNodes = Effect.fnUntraced(function* () {
    const world = yield* oneNode()
    yield* world.launch("n2", { labels: {} })
    return world
  })
  it.effect("F4, F15: is open on the new node before it is closed on the old, whose group then goes", () =>
    Effect.gen(function* () {
      const world = yield* twoNodes()
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      const gaps = world.watchGapsOnAny(["n1", "n2"], "Ingress|tcp|80|80|ipv4|10.0.0.0/8")
      yield* world.change("FirewallRule", "r", { spec: { nodeName: "n2" } })
      yield* world.pass("10 seconds")
      assert.deepStrictEqual([world.openOn("n1").length, world.openOn("n2").length], [0, 1])
      assert.strictEqual(gaps(), 0)
      assert.strictEqual(world.groups().length, 1)
      assert.deepInclude(world.statusOf("FirewallRule", "r"), { state: "Applied", nodeName: "n2" })
    })
  )
  it.effect("follows the address, and F7 is closed when the address is gone", () =>
    Effect.gen(function* () {
      const world = yield* twoNodes()
      yield* world.create("ExternalIP", "e", { nodeName: "n1" })
      yield* world.pass("5 seconds")
      const publicIPAddress = world.labelOf("n1")
      yield* world.create("FirewallRule", "r", { ...World.rule, publicIPAddress })
      yield* world.pass("5 seconds")
      assert.strictEqual(world.openOn("n1").length, 1)
      yield* world.change("ExternalIP", "e", { spec: { nodeName: "n2" } })
      yield* world.pass("10 seconds")
      assert.deepStrictEqual([world.openOn("n1").length, world.openOn("n2").length], [0, 1])
      yield* world.remove("ExternalIP", "e")
      yield* world.pass("10 seconds")
      assert.deepStrictEqual([world.groups(), world.state("r")], [[], "Pending"])
    })
  )
  it.effect("F19: waits for its node and is open seconds after it appears", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "r", on("n9"))
      yield* world.pass("30 minutes")
      assert.deepInclude(world.condition("FirewallRule", "r", "Ready"), { reason: "NodeNotFound" })
      yield* world.launch("n9", { labels: {} })
      yield* world.pass("5 seconds")
      assert.strictEqual(world.openOn("n9").length, 1)
    })
  )
  it.effect(
    "F16, F23: is Pending when node and instance go, its group is deleted, and so is the object",
    () =>
      Effect.gen(function* () {
        const world = yield* oneNode()
        yield* world.create("FirewallRule", "r", on("n1"))
        yield* world.pass("5 seconds")
        yield* world.goAway("n1")
        yield* world.pass("10 seconds")
        assert.deepStrictEqual([world.groups(), world.state("r")], [[], "Pending"])
        yield* world.remove("FirewallRule", "r")
        yield* world.pass("10 seconds")
        assert.isUndefined(world.firewallRule("r"))
      })
  )
  it.effect("F26: comes along when the node is replaced under its name", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      yield* world.goAway("n1")
      const { instanceId } = yield* world.launch("n1", { labels: {} })
      yield* world.pass("30 seconds")
      assert.strictEqual(world.openOn("n1").length, 1)
      assert.strictEqual(world.groups().length, 1)
      assert.strictEqual(world.groups()[0]?.tags[Tag.instanceId], instanceId)
    })
  )
})

describe("deletion", () => {
  it.effect("F24: two identical rules deleted together are revoked, and both go", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "keep", on("n1", { fromPort: 22 }))
      yield* world.create("FirewallRule", "a", on("n1"))
      yield* world.create("FirewallRule", "b", on("n1"))
      yield* world.pass("5 seconds")
      yield* world.remove("FirewallRule", "a")
      yield* world.remove("FirewallRule", "b")
      yield* world.pass("10 seconds")
      assert.deepStrictEqual(world.openOn("n1"), ["Ingress|tcp|22|22|ipv4|10.0.0.0/8"])
      assert.deepStrictEqual([world.firewallRule("a"), world.firewallRule("b")], [undefined, undefined])
    })
  )
  it.effect("F18: the finalizer stays while EC2 refuses, and goes once it is closed", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "keep", on("n1", { fromPort: 22 }))
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      yield* world.ec2.deny("RevokeSecurityGroupIngress")
      yield* world.remove("FirewallRule", "r")
      yield* world.pass("10 minutes")
      assert.deepInclude(world.firewallRule("r")?.metadata, { finalizers: [firewallRuleFinalizer] })
      yield* world.ec2.allow("RevokeSecurityGroupIngress")
      yield* world.pass("10 minutes")
      assert.isUndefined(world.firewallRule("r"))
      assert.strictEqual(world.openOn("n1").length, 1)
    })
  )
  it.effect("F20: disabled keeps what is open open, opens nothing, and deletion is honoured", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      yield* world.change("FirewallRule", "r", { spec: { disableReconciliation: true } })
      yield* world.create("FirewallRule", "off", on("n1", { fromPort: 22, disableReconciliation: true }))
      yield* world.pass("10 minutes")
      assert.deepStrictEqual(world.openOn("n1"), ["Ingress|tcp|80|80|ipv4|10.0.0.0/8"])
      yield* world.remove("FirewallRule", "r")
      yield* world.remove("FirewallRule", "off")
      yield* world.pass("10 seconds")
      assert.deepStrictEqual(
        [world.groups(), world.firewallRule("r"), world.firewallRule("off")],
        [[], undefined, undefined]
      )
    })
  )
})

describe("a rule that is deleted", () => {
  const isThere = (world: Effect.Success<ReturnType<typeof oneNode>>) =>
    world.firewallRule("web") !== undefined

  /** The rule is open, and nobody looks after it any more. */
  const openAndStopped = Effect.gen(function* () {
    const world = yield* World.make()
    yield* world.launch("n1", { labels: {} })
    yield* world.create("FirewallRule", "web", on("n1"))
    const first = yield* world.start()
    yield* world.pass("10 seconds")
    yield* world.stop(first)
    return world
  })

  it.effect("goes in seconds where this process knows of it from the beginning, opened or not", () =>
    Effect.gen(function* () {
      const world = yield* oneNode({ conditions: { denied: new Set(["AuthorizeSecurityGroupIngress"]) } })
      yield* world.create("FirewallRule", "web", on("n1"))
      yield* world.pass("10 seconds")
      assert.strictEqual(world.state("web"), "Pending")
      yield* world.remove("FirewallRule", "web")
      yield* world.pass("10 seconds")
      assert.isFalse(isThere(world))
    })
  )
  it.effect("goes in seconds where the next process finds it open as its status says", () =>
    Effect.gen(function* () {
      const world = yield* openAndStopped
      yield* world.remove("FirewallRule", "web")
      yield* world.start()
      yield* world.pass("10 seconds")
      assert.isFalse(isThere(world))
      assert.deepStrictEqual(world.openOn("n1"), [])
    })
  )
  it.effect(
    "is held, and says why, where it was closed while nobody looked: two minutes after the start",
    () =>
      Effect.gen(function* () {
        const world = yield* openAndStopped
        for (const group of world.groups()) {
          yield* world.ec2.hand.revoke({
            groupId: group.groupId,
            direction: "Ingress",
            permissions: Permission.merge(group.permissions)
          })
        }
        yield* world.remove("FirewallRule", "web")
        yield* world.start()
        yield* world.pass("100 seconds")
        assert.isTrue(isThere(world))
        assert.deepInclude(world.condition("FirewallRule", "web", "Ready"), {
          reason: "Deleting",
          message: "waiting for EC2 to show what was opened before this process began"
        })
        yield* world.pass("30 seconds")
        assert.isFalse(isThere(world))
      })
  )
})

describe("limits", () => {
  it.effect("the 61st rule says RuleLimitExceeded, the oldest win, and it opens when there is room", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      for (let i = 0; i < 61; i++) {
        yield* world.create(
          "FirewallRule",
          `r${String(i).padStart(2, "0")}`,
          on("n1", { fromPort: 1000 + i })
        )
      }
      yield* world.pass("30 seconds")
      assert.strictEqual(world.openOn("n1").length, 60)
      assert.deepInclude(world.condition("FirewallRule", "r60", "Ready"), { reason: "RuleLimitExceeded" })
      yield* world.remove("FirewallRule", "r00")
      yield* world.pass("10 minutes")
      assert.strictEqual(world.state("r60"), "Applied")
      assert.strictEqual(world.openOn("n1").length, 60)
    })
  )
  it.effect("the groups-per-interface quota is said, and nothing of others is dropped", () =>
    Effect.gen(function* () {
      const world = yield* oneNode({ conditions: { quotas: { groupsPerInterface: 1 } } })
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("1 minute")
      assert.deepInclude(world.condition("FirewallRule", "r", "Ready"), {
        reason: "GroupsPerInterfaceLimitExceeded"
      })
      assert.strictEqual(world.ec2.networkInterface(world.interfaceOf("n1"))?.groupIds.length, 1)
      yield* world.ec2.change({ quotas: { groupsPerInterface: 5 } })
      yield* world.pass("10 minutes")
      assert.strictEqual(world.state("r"), "Applied")
    })
  )
  it.effect("F25: a group made by an attempt whose reply was lost is adopted", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      const instanceId = world.instanceOf("n1")
      yield* world.ec2.hand.createGroup({
        name: `kubestatic/${World.clusterId}/n1`,
        vpcId: "vpc-1",
        tags: {
          [Tag.managed]: "true",
          [Tag.clusterId]: World.clusterId,
          [Tag.nodeName]: "n1",
          [Tag.instanceId]: instanceId
        }
      })
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      assert.strictEqual(world.groups().length, 1)
      assert.strictEqual(world.state("r"), "Applied")
    })
  )
  it.effect("a name that somebody else took is said: GroupNameTaken", () =>
    Effect.gen(function* () {
      const world = yield* oneNode()
      yield* world.ec2.hand.createGroup({ name: `kubestatic/${World.clusterId}/n1`, vpcId: "vpc-1" })
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("5 seconds")
      assert.deepInclude(world.condition("FirewallRule", "r", "Ready"), { reason: "GroupNameTaken" })
    })
  )
  it.effect("with lagging describes everything ends the same, and nothing is opened or bought twice", () =>
    Effect.gen(function* () {
      const world = yield* World.make({
        kubernetesLatency: 5,
        conditions: { lag: { min: 1_000, max: 20_000 }, latency: { min: 80, max: 250 } }
      })
      yield* world.launch("n1")
      yield* world.launch("n2")
      yield* world.create("FirewallRule", "a", on("n1"))
      yield* world.create("FirewallRule", "b", on("n2", { direction: "Egress" }))
      yield* world.start()
      yield* world.pass("5 minutes")
      assert.deepStrictEqual([world.openOn("n1").length, world.openOn("n2").length], [1, 1])
      assert.strictEqual(world.ec2.addresses().length, 2)
      yield* world.remove("FirewallRule", "a")
      yield* world.change("FirewallRule", "b", { spec: { nodeName: "n1" } })
      yield* world.pass("10 minutes")
      assert.isUndefined(world.firewallRule("a"))
      assert.deepStrictEqual([world.openOn("n1").length, world.openOn("n2").length], [1, 0])
      assert.strictEqual(world.groups().length, 1)
      assert.isTrue(world.ec2.journal().filter((e) => isMutating(e.action)).length < 60)
    })
  )
})

describe("a group that cannot be taken off an interface", () => {
  /** Somebody took every other group off: EC2 wants one on each interface. */
  const onlyGroup = Effect.fnUntraced(function* () {
    const world = yield* oneNode()
    yield* world.create("FirewallRule", "r", on("n1"))
    yield* world.pass("5 seconds")
    const ours = world.groups()[0]?.groupId
    for (const group of world.ec2.instance(world.instanceOf("n1"))?.interfaces[0]?.groupIds ?? [])
      if (group !== ours) yield* world.ec2.hand.detachGroup(world.interfaceOf("n1"), group)
    yield* world.pass("6 minutes")
    return world
  })
  it.effect("is emptied, and the rule that was deleted goes", () =>
    Effect.gen(function* () {
      const world = yield* onlyGroup()
      yield* world.remove("FirewallRule", "r")
      yield* world.pass("10 seconds")
      assert.deepStrictEqual(world.openOn("n1"), [])
      assert.isUndefined(world.firewallRule("r"))
    })
  )
  it.effect("is emptied of a rule that names no node any more", () =>
    Effect.gen(function* () {
      const world = yield* onlyGroup()
      yield* world.change("FirewallRule", "r", { spec: { nodeName: null } })
      yield* world.pass("10 seconds")
      assert.deepStrictEqual(world.openOn("n1"), [])
    })
  )
})

describe("an interface that is gone", () => {
  it.effect("is not asked for over and over: the instance is looked at, and it is said", () =>
    Effect.gen(function* () {
      const world = yield* oneNode({ conditions: { latency: { min: 80, max: 250 } } })
      yield* world.create("FirewallRule", "a", on("n1"))
      yield* world.pass("10 seconds")
      yield* world.remove("FirewallRule", "a")
      yield* world.pass("1 second")
      yield* world.ec2.hand.terminate(world.instanceOf("n1"))
      yield* world.create("FirewallRule", "b", on("n1", { fromPort: 90 }))
      yield* world.pass("4 minutes")
      assert.deepInclude(world.condition("FirewallRule", "b", "Ready"), { reason: "NodeRetrievalError" })
      assert.isAtMost(world.ec2.calls().get("DescribeNetworkInterfaces")?.get("OK") ?? 0, 15)
    })
  )
})

describe("a second interface that is gone, and that its instance still shows with our group", () => {
  it.effect("is not asked for over and over", () =>
    Effect.gen(function* () {
      let gone = ""
      const world = yield* World.make({
        throughEc2: (ec2) => ({
          ...ec2,
          describeNetworkInterfaces: (asked) =>
            asked.networkInterfaceIds?.includes(gone) === true
              ? Effect.as(ec2.describeNetworkInterfaces(asked), [])
              : ec2.describeNetworkInterfaces(asked)
        })
      })
      const interfaces = [{ isPublic: true }, { isPublic: false }]
      const given = { zone: "eu-west-1a", vpcId: "vpc-1", interfaces }
      const { instanceId } = yield* world.ec2.hand.launch(given)
      yield* world.kubernetes.create(nodes, {
        metadata: { name: "n1" },
        spec: { providerID: `aws:///eu-west-1a/${instanceId}` }
      })
      yield* world.start()
      yield* world.create("FirewallRule", "a", on("n1"))
      yield* world.pass("5 seconds")
      gone = world.ec2.instance(instanceId)?.interfaces[1]?.networkInterfaceId ?? ""
      yield* world.ec2.hand.attachGroup(gone, world.groups()[0]?.groupId ?? "")
      const asked = () => world.ec2.calls().get("DescribeNetworkInterfaces")?.get("OK") ?? 0
      const before = asked()
      yield* world.pass("7 minutes")
      assert.isAbove(asked(), before)
      assert.isAtMost(asked() - before, 20)
    })
  )
})

describe("the quota of rules in a group", () => {
  for (const [quota, count] of [
    [50, 55],
    [50, 65],
    [60, 61],
    [100, 110]
  ] as const) {
    it.effect(
      `of ${quota} is filled by the oldest of ${count} rules that come at once, and the rest say so`,
      () =>
        Effect.gen(function* () {
          const world = yield* World.make({ conditions: { quotas: { rulesPerGroup: quota } } })
          yield* world.launch("n1", { labels: {} })
          const names = Array.from({ length: count }, (_, n) => `r${String(n).padStart(3, "0")}`)
          for (const [n, name] of names.entries())
            yield* world.create("FirewallRule", name, on("n1", { fromPort: 1000 + n }))
          yield* world.start()
          yield* world.pass("30 seconds")
          const ready = (name: string) => world.condition("FirewallRule", name, "Ready").status === "True"
          assert.strictEqual(world.openOn("n1").length, quota)
          assert.deepStrictEqual(names.filter(ready), names.slice(0, quota))
          assert.deepInclude(world.condition("FirewallRule", names.at(-1) ?? "", "Ready"), {
            reason: "RuleLimitExceeded"
          })
          // The limit is forgotten and learnt again, and nothing that is open is closed for it.
          const gaps = world.watchGaps("n1", "Ingress|tcp|1000|1000|ipv4|10.0.0.0/8")
          yield* world.pass("12 minutes")
          assert.strictEqual(world.openOn("n1").length, quota)
          assert.strictEqual(gaps(), 0)
        })
    )
  }
})

describe("a rule of several ranges at the edge of the quota", () => {
  it.effect("is opened in part only while it is found out how many fit: younger ones that fit are open", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: {} })
      for (let n = 0; n < 58; n++)
        yield* world.create(
          "FirewallRule",
          `a${String(n).padStart(2, "0")}`,
          on("n1", { fromPort: 1000 + n })
        )
      const five = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16"]
      yield* world.create("FirewallRule", "b", on("n1", { fromPort: 2000, ...ranges(...five) }))
      yield* world.create("FirewallRule", "c", on("n1", { fromPort: 3000 }))
      yield* world.create("FirewallRule", "d", on("n1", { fromPort: 3001 }))
      yield* world.start()
      yield* world.pass("12 minutes")
      const ready = (name: string) => world.condition("FirewallRule", name, "Ready").reason
      assert.deepStrictEqual(["b", "c", "d"].map(ready), ["RuleLimitExceeded", "Ready", "Ready"])
      assert.deepStrictEqual(
        world.openOn("n1").filter((key) => key.includes("|2000|")),
        []
      )
    })
  )
})

describe("EC2's refusals", () => {
  const refusing = (
    operation: string,
    code: string,
    isMet: (request: RulesRequest) => boolean,
    call: "authorizeSecurityGroupRules" | "revokeSecurityGroupRules"
  ): World.Options => ({
    throughEc2: (ec2) => ({
      ...ec2,
      [call]: (request: RulesRequest) =>
        isMet(request)
          ? Effect.fail(new Ec2Error({ operation, reason: fromCode(code, "refused") }))
          : ec2[call](request)
    })
  })
  it.effect("of a full group are not asked for over and over, where a refused rule takes room in it", () =>
    Effect.gen(function* () {
      const isBad = (r: RulesRequest) =>
        r.permissions.some((p) => p.ipv4.some((x) => x.source === "10.66.0.0/16"))
      const world = yield* oneNode({
        ...refusing(
          "AuthorizeSecurityGroupIngress",
          "InvalidParameterValue",
          isBad,
          "authorizeSecurityGroupRules"
        ),
        conditions: { quotas: { rulesPerGroup: 3 } }
      })
      yield* world.create("FirewallRule", "a", on("n1", ranges("10.1.0.0/16")))
      yield* world.pass("5 seconds")
      yield* world.change("FirewallRule", "a", { spec: ranges("10.1.0.0/16", "10.66.0.0/16") })
      yield* world.pass("5 seconds")
      for (const n of [0, 1, 2])
        yield* world.create("FirewallRule", `b${n}`, on("n1", { fromPort: 1000 + n }))
      yield* world.pass("10 minutes")
      const reasons = ["a", "b0", "b1", "b2"].map(
        (name) => world.condition("FirewallRule", name, "Ready").reason
      )
      assert.deepStrictEqual(reasons, ["InvalidRule", "Ready", "Ready", "RuleLimitExceeded"])
      const refused = world.ec2.calls().get("AuthorizeSecurityGroupIngress")
      assert.isAtMost(refused?.get("RulesPerSecurityGroupLimitExceeded") ?? 0, 12)
    })
  )
  it.effect("of a full group keep no second group of the node, which holds as much", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ conditions: { quotas: { rulesPerGroup: 3 } } })
      yield* world.launch("n1", { labels: {} })
      const first = yield* world.start()
      yield* world.create("FirewallRule", "a", on("n1"))
      yield* world.pass("5 seconds")
      yield* world.stop(first)
      const { tags = {}, vpcId = "" } = world.groups()[0] ?? {}
      const { groupId } = yield* world.ec2.hand.createGroup({ name: "another", vpcId, tags })
      const permissions = [1000, 1001, 1002].flatMap((port) =>
        World.ssh.map((p) => ({ ...p, fromPort: port, toPort: port }))
      )
      yield* world.ec2.hand.authorize({ groupId, direction: "Ingress", permissions })
      yield* world.ec2.hand.attachGroup(world.interfaceOf("n1"), groupId)
      for (const n of [0, 1, 2, 3])
        yield* world.create("FirewallRule", `b${n}`, on("n1", { fromPort: 1000 + n }))
      yield* world.start()
      yield* world.pass("10 minutes")
      const reasons = ["a", "b0", "b1", "b2"].map(
        (name) => world.condition("FirewallRule", name, "Ready").reason
      )
      assert.deepStrictEqual(reasons, ["Ready", "Ready", "Ready", "RuleLimitExceeded"])
      assert.strictEqual(world.groups().length, 1)
      const asked = world.ec2.calls().get("AuthorizeSecurityGroupIngress")
      assert.isAtMost(asked?.get("RulesPerSecurityGroupLimitExceeded") ?? 0, 12)
    })
  )
  it.effect("to close one rule keep no other one open, nor its object", () =>
    Effect.gen(function* () {
      const isPeer = (r: RulesRequest) => r.permissions.some((p) => p.groups.length > 0)
      const world = yield* oneNode(
        refusing("RevokeSecurityGroupIngress", "InvalidGroup.NotFound", isPeer, "revokeSecurityGroupRules")
      )
      yield* world.create("FirewallRule", "web", on("n1"))
      yield* world.pass("5 minutes")
      const { groupId = "" } = world.groups()[0] ?? {}
      const other = yield* world.ec2.hand.createGroup({ name: "other", vpcId: "vpc-1" })
      const [ssh] = Permission.expand("Ingress", World.ssh)
      if (ssh === undefined) return
      const peer = { ...ssh, sourceKind: "groups", source: other.groupId } as const
      const permissions = Permission.merge([peer])
      yield* world.ec2.hand.authorize({ groupId, direction: "Ingress", permissions })
      yield* world.pass("6 minutes")
      yield* world.create("FirewallRule", "db", on("n1", { fromPort: 5432 }))
      yield* world.pass("10 seconds")
      assert.deepInclude(world.condition("FirewallRule", "db", "Ready"), { status: "True" })
      yield* world.remove("FirewallRule", "db")
      yield* world.pass("10 seconds")
      assert.isUndefined(world.firewallRule("db"))
      assert.deepStrictEqual(world.openOn("n1"), [
        `Ingress|tcp|22|22|groups|123456789012/${other.groupId}`,
        "Ingress|tcp|80|80|ipv4|10.0.0.0/8"
      ])
    })
  )
  it.effect("that say the group is gone are believed: what is wanted is open again in seconds", () =>
    Effect.gen(function* () {
      const world = yield* oneNode({ conditions: { latency: { min: 80, max: 250 } } })
      yield* world.create("FirewallRule", "web", on("n1"))
      yield* world.create("FirewallRule", "db", on("n1", { fromPort: 5432 }))
      yield* world.pass("10 seconds")
      const { groupId = "" } = world.groups()[0] ?? {}
      yield* world.ec2.hand.detachGroup(world.interfaceOf("n1"), groupId)
      yield* world.ec2.hand.deleteGroup(groupId)
      yield* world.remove("FirewallRule", "db")
      yield* world.pass("5 seconds")
      assert.deepStrictEqual(world.openOn("n1"), ["Ingress|tcp|80|80|ipv4|10.0.0.0/8"])
    })
  )
})

describe("a VPC with IPv6", () => {
  const inIpv6 = Effect.fnUntraced(function* (options: World.Options = {}) {
    const world = yield* World.make(options)
    const interfaces = [{ isPublic: true }]
    const launch = Effect.fnUntraced(function* (name: string) {
      const given = { zone: "eu-west-1a", vpcId: "vpc-6", hasIpv6: true, interfaces }
      const { instanceId } = yield* world.ec2.hand.launch(given)
      yield* world.kubernetes.create(nodes, {
        metadata: { name },
        spec: { providerID: `aws:///eu-west-1a/${instanceId}` }
      })
      yield* world.create("FirewallRule", `web-${name}`, on(name))
    })
    yield* launch("n1")
    yield* world.start()
    return { world, launch }
  })
  const web = ["Ingress|tcp|80|80|ipv4|10.0.0.0/8"]
  const byId = (ec2: Ec2["Service"], met: Effect.Effect<never, Ec2Error>, times: number): Ec2["Service"] => {
    let left = times
    return {
      ...ec2,
      describeSecurityGroups: (asked) =>
        Effect.suspend(() =>
          asked.groupIds === undefined || left-- <= 0 ? ec2.describeSecurityGroups(asked) : met
        )
    }
  }

  it.effect("gives a new group a second rule that nobody asked for: it is closed with the first", () =>
    Effect.gen(function* () {
      const { launch, world } = yield* inIpv6()
      yield* world.pass("5 seconds")
      assert.strictEqual(world.state("web-n1"), "Applied")
      assert.deepStrictEqual(world.openOn("n1"), web)
      const described = () => world.ec2.calls().get("DescribeSecurityGroups")?.get("OK") ?? 0
      const before = described()
      yield* launch("n2")
      yield* world.pass("5 seconds")
      assert.deepStrictEqual(world.openOn("n2"), web)
      assert.strictEqual(described(), before, "what the first group showed holds for the next")
    })
  )
  it.effect("is found out also where EC2 does not answer at first, without a sweep", () =>
    Effect.gen(function* () {
      const refusal = new Ec2Error({
        operation: "test",
        reason: fromCode("RequestLimitExceeded", "slow down")
      })
      const { world } = yield* inIpv6({
        settings: { driftInterval: Duration.hours(10) },
        throughEc2: (ec2) => byId(ec2, Effect.fail(refusal), 3)
      })
      yield* world.pass("2 minutes")
      assert.deepStrictEqual(world.openOn("n1"), web)
    })
  )
  it.effect("holds up no node while EC2 is slow to tell", () =>
    Effect.gen(function* () {
      const never = Effect.never as Effect.Effect<never, Ec2Error>
      const { launch, world } = yield* inIpv6({ throughEc2: (ec2) => byId(ec2, never, 1) })
      yield* world.pass("5 seconds")
      yield* launch("n2")
      yield* world.pass("5 seconds")
      yield* world.change("FirewallRule", "web-n2", { spec: { fromPort: 443 } })
      yield* world.pass("5 seconds")
      const asked = world.openOn("n2").filter((key) => key.startsWith("Ingress"))
      assert.deepStrictEqual(asked, ["Ingress|tcp|443|443|ipv4|10.0.0.0/8"])
    })
  )
})
