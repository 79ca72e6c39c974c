/** The known defects of the Go implementation that other suites do not name: each a regression case. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { admit } from "../../src/domain/Admission.ts"
import { autoAssignLabel, Tag } from "../../src/domain/Names.ts"
import { pods } from "../../src/kubernetes/Kubernetes.ts"
import { parse } from "../../src/Options.ts"
import * as World from "../World.ts"

const on = (nodeName: string, spec: Readonly<Record<string, unknown>> = {}) => ({
  ...World.rule,
  nodeName,
  ...spec
})
const auto = { [autoAssignLabel]: "true" }

const reads = (world: {
  readonly ec2: { readonly calls: () => ReadonlyMap<string, ReadonlyMap<string, number>> }
}) =>
  [...world.ec2.calls()]
    .filter(([action]) =>
      ["DescribeAddresses", "DescribeSecurityGroups", "DescribeInstances"].includes(action)
    )
    .map(([action, outcomes]) => [action, [...outcomes.values()].reduce((a, b) => a + b, 0)])

describe("firewall rules", () => {
  it("F14: no range and an IPv6 range are refused at admission", () => {
    for (const ipRanges of [[], [{ cidr: "::/0" }]]) {
      const object = { metadata: { name: "r" }, spec: { ...World.rule, ipRanges } }
      assert.isTrue(Result.isFailure(admit("FirewallRule", object)))
    }
  })
  it.effect("F17: what others change in EC2 is put right within one sweep, with nodes at rest", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: {} })
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.start()
      yield* world.pass("10 minutes")
      yield* world.ec2.hand.detachGroup(world.interfaceOf("n1"), world.groups()[0]?.groupId ?? "")
      yield* world.pass("310 seconds")
      assert.strictEqual(world.openOn("n1").length, 1)
    })
  )
  it.effect("F21: a group is found by its tags in whatever VPC it is", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const { groupId } = yield* world.ec2.hand.createGroup({
        name: "left behind",
        vpcId: "vpc-other",
        tags: { [Tag.managed]: "true", [Tag.clusterId]: World.clusterId, [Tag.nodeName]: "gone" }
      })
      yield* world.start()
      yield* world.pass("1 minute")
      assert.isUndefined(world.ec2.group(groupId))
    })
  )
  it.effect("F27: reads per sweep do not grow with writes", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: {} })
      yield* world.start()
      yield* world.pass("10 seconds")
      // The group is read once after it was made.
      yield* world.create("FirewallRule", "r", on("n1"))
      yield* world.pass("1 second")
      const before = reads(world)
      for (let i = 0; i < 20; i++) {
        yield* world.create("FirewallRule", `r${i}`, on("n1", { fromPort: 1000 + i }))
        yield* world.pass("1 second")
      }
      assert.deepStrictEqual(reads(world).slice(0, 2), before.slice(0, 2))
    })
  )
  it.effect(
    "F28: while a rule moves its status tells of one place at a time, and at the end of the wanted node",
    () =>
      Effect.gen(function* () {
        const world = yield* World.make()
        yield* world.launch("n1", { labels: {} })
        yield* world.launch("n2", { labels: {} })
        yield* world.create("FirewallRule", "r", on("n1"))
        yield* world.start()
        yield* world.pass("5 seconds")
        yield* world.change("FirewallRule", "r", { spec: { nodeName: "n2" } })
        yield* world.pass("5 seconds")
        assert.deepInclude(world.statusOf("FirewallRule", "r"), {
          nodeName: "n2",
          instanceID: world.instanceOf("n2")
        })
      })
  )
  it.effect("F29: quota, permission and throttling are said apart", () =>
    Effect.gen(function* () {
      const reasonOf = Effect.fnUntraced(function* (options: World.Options, denied: ReadonlyArray<string>) {
        const world = yield* World.make(options)
        yield* world.launch("n1", { labels: {} })
        yield* world.ec2.deny(...denied)
        yield* world.create("FirewallRule", "r", on("n1"))
        yield* world.start()
        yield* world.pass("30 seconds")
        return world.condition("FirewallRule", "r", "Ready").reason
      })
      // The default group of the VPC counts.
      assert.strictEqual(yield* reasonOf({ conditions: { quotas: { groups: 1 } } }, []), "GroupLimitExceeded")
      assert.strictEqual(yield* reasonOf({}, ["CreateSecurityGroup"]), "Forbidden")
      assert.strictEqual(yield* reasonOf({ conditions: { othersShare: 0.99 } }, []), "Throttled")
    })
  )
})

describe("addresses and nodes", () => {
  it.effect("E1: a hundred things at once break nothing and double nothing", () =>
    Effect.gen(function* () {
      const world = yield* World.make({
        kubernetesLatency: 3,
        conditions: { latency: { min: 80, max: 250 } }
      })
      yield* world.start()
      for (let i = 0; i < 50; i++) {
        yield* world.launch(`n${i}`, { labels: auto })
        yield* world.create("FirewallRule", `r${i}`, on(`n${i % 10}`, { fromPort: 1000 + i }))
      }
      yield* world.pass("1 minute")
      assert.strictEqual(world.ec2.addresses().filter((a) => a.association !== undefined).length, 50)
      assert.strictEqual(world.ec2.addresses().length, 50)
      assert.strictEqual(world.groups().length, 10)
      for (let i = 0; i < 10; i++) assert.strictEqual(world.openOn(`n${i}`).length, 5)
    })
  )
  it.effect("E17: what comes inside the minimum interval is delayed, not dropped", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: auto })
      yield* world.start()
      yield* world.pass("3 seconds")
      const name = String(world.externalIPs()[0]?.metadata.name)
      yield* world.remove("ExternalIP", name)
      yield* world.pass("3 seconds")
      assert.isUndefined(world.labelOf("n1"))
      yield* world.pass("30 seconds")
      assert.isDefined(world.externalIPs()[0])
    })
  )
  it.effect("E19: finished pods ask for nothing", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("old", { labels: auto })
      yield* world.start()
      yield* world.pass("20 seconds")
      const address = world.labelOf("old") ?? ""
      const labels = { "kubestatic.quortex.io/externalip": address }
      const pod = {
        metadata: { name: "p", namespace: "default", labels },
        spec: { nodeName: "old" },
        status: { phase: "Succeeded" }
      }
      yield* world.kubernetes.create(pods, pod)
      yield* world.change("Node", "old", { spec: { unschedulable: true } })
      yield* world.launch("n1", { labels: auto })
      yield* world.pass("20 seconds")
      assert.strictEqual(world.labelOf("n1"), address)
    })
  )
  it("E22: the cluster id `unset` is refused", () => {
    assert.isTrue(Result.isFailure(parse(["--cluster-id=unset"], {})))
    assert.isTrue(Result.isFailure(parse([], { KUBESTATIC_CLUSTER_ID: "unset" })))
  })
})
