import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { problemsOf } from "../../src/domain/Admission.ts"
import { problems } from "../../src/domain/crd/Problems.ts"
import { stored } from "../../src/domain/crd/Stored.ts"
import {
  addressLabel,
  externalIPFinalizer,
  firewallRuleFinalizer,
  Tag,
  type Tags
} from "../../src/domain/Names.ts"
import type { Raw } from "../../src/domain/Object.ts"
import { firewallRules, nodes } from "../../src/kubernetes/Kubernetes.ts"
import * as World from "../World.ts"
import * as GoCluster from "./GoCluster.ts"
import * as GoSchema from "./GoSchema.ts"

/** What an upgrade must not do while every object asks for what is there. */
const harmful = (mutations: Readonly<Record<string, number>>) =>
  Object.keys(mutations).filter((action) => action !== "CreateTags")

type Made = Effect.Success<ReturnType<typeof World.make>>

const openOnBoth = (world: Made) =>
  ["n1", "n2"].flatMap((n) => world.openOn(n).map((key) => [n, key] as const))

const ways = [
  ["with its cluster id", World.clusterId, []],
  ["with its default id, adopted", "unset", ["unset"]]
] as const

describe("the objects of the Go implementation", () => {
  it.effect("are accepted by our schema as they are, so that the CRDs can be replaced first", () =>
    Effect.gen(function* () {
      const { world } = yield* GoCluster.make("unset")
      for (const object of world.externalIPs()) {
        assert.deepStrictEqual(problemsOf("ExternalIP", object, { ...object, spec: {}, status: {} }), [])
      }
      for (const object of world.kubernetes.all(firewallRules)) {
        assert.deepStrictEqual(problemsOf("FirewallRule", object, { ...object, spec: {}, status: {} }), [])
      }
    })
  )
})

describe("taking over from the Go implementation", () => {
  for (const [what, clusterId, adopt] of ways) {
    it.effect.each([true, false])(
      `${what}: a rule that follows an address is open all the time, said: %s`,
      (isSaid) =>
        Effect.gen(function* () {
          const { own, world } = yield* GoCluster.make(clusterId, {
            settings: { adoptClusterIds: adopt },
            conditions: { latency: { min: 80, max: 250 } },
            kubernetesLatency: 5
          })
          yield* world.change("FirewallRule", "https", { spec: { publicIPAddress: own.publicIp } })
          if (!isSaid)
            yield* world.kubernetes.patch(firewallRules, { name: "https" }, { status: null }, "status")
          const open = openOnBoth(world)
          const gaps = open.map(([nodeName, key]) => world.watchGaps(nodeName, key))
          yield* world.start()
          yield* world.pass("2 minutes")
          assert.deepStrictEqual(
            gaps.map((count) => count()),
            open.map(() => 0)
          )
          assert.deepStrictEqual(openOnBoth(world), open)
        })
    )
    it.effect(
      `${what}: nothing is revoked, disassociated, released or bought; tags are all that is written`,
      () =>
        Effect.gen(function* () {
          const { groups, own, world } = yield* GoCluster.make(clusterId, {
            settings: { adoptClusterIds: adopt }
          })
          const open = openOnBoth(world)
          assert.strictEqual(open.length, 6)
          const gaps = open.map(([nodeName, key]) => world.watchGaps(nodeName, key))
          const attached = () =>
            world.ec2.addresses().map((a) => [a.publicIp, a.association?.networkInterfaceId])
          const before = attached()
          yield* world.start()
          yield* world.pass("10 minutes")

          assert.deepStrictEqual(harmful(world.mutations()), [])
          assert.deepStrictEqual(openOnBoth(world), open)
          assert.deepStrictEqual(
            gaps.map((count) => count()),
            open.map(() => 0)
          )
          assert.deepStrictEqual(attached(), before)
          assert.strictEqual(world.labelOf("n1"), own.publicIp)
          assert.isDefined(world.labelOf("n2"))
          for (const name of [GoCluster.named.own, GoCluster.named.auto, GoCluster.named.free]) {
            assert.strictEqual(world.condition("ExternalIP", name, "Ready").status, "True", name)
          }
          for (const name of GoCluster.named.rules) {
            assert.strictEqual(world.condition("FirewallRule", name, "Ready").status, "True", name)
            const { firewallRuleID, nodeName } = world.statusOf("FirewallRule", name)
            assert.strictEqual(firewallRuleID, nodeName === "n1" ? groups.n1 : groups.n2)
          }
          assert.notInclude(world.events(), "LeftoversClosed")
        })
    )
    it.effect(`${what}: the tags that are missing are added once, and none is taken away`, () =>
      Effect.gen(function* () {
        const { world } = yield* GoCluster.make(clusterId, { settings: { adoptClusterIds: adopt } })
        const instanceTags = world.ec2.addresses().map((a) => a.tags[Tag.instanceId])
        yield* world.start()
        yield* world.pass("1 minute")
        for (const { tags } of [
          ...world.ec2.addresses(),
          ...world.ec2.groups().filter((g) => g.tags[Tag.managed])
        ]) {
          assert.strictEqual(tags[Tag.clusterId], World.clusterId)
        }
        for (const { tags } of world.ec2.addresses()) assert.isDefined(tags[Tag.uid])
        assert.deepStrictEqual(
          world.ec2.addresses().map((a) => a.tags[Tag.instanceId]),
          instanceTags
        )
        const tagged = world.mutations().CreateTags
        yield* world.pass("1 hour")
        assert.strictEqual(world.mutations().CreateTags, tagged)
      })
    )
    it.effect(`${what}: specs, labels and the node-name annotations stay as they are`, () =>
      Effect.gen(function* () {
        const { world } = yield* GoCluster.make(clusterId, { settings: { adoptClusterIds: adopt } })
        const said = () =>
          [...world.externalIPs(), ...world.kubernetes.all(firewallRules)].map(({ metadata, spec }) => [
            metadata.name,
            metadata.labels,
            metadata.annotations,
            metadata.finalizers,
            spec
          ])
        const before = said()
        yield* world.start()
        yield* world.pass("10 minutes")
        assert.deepStrictEqual(said(), before)
      })
    )
  }
  it.effect("with another id and without the flag nothing is touched or bought: AddressNotOwned", () =>
    Effect.gen(function* () {
      const { world } = yield* GoCluster.make("unset")
      const labels = () => ["n1", "n2"].map(world.labelOf)
      const before = labels()
      assert.notInclude(before, undefined)
      yield* world.start()
      yield* world.pass("10 minutes")
      assert.deepStrictEqual(world.mutations(), {})
      // Pods may live by them.
      assert.deepStrictEqual(labels(), before)
      for (const name of [GoCluster.named.own, GoCluster.named.auto, GoCluster.named.free]) {
        assert.deepInclude(world.condition("ExternalIP", name, "Ready"), { reason: "AddressNotOwned" }, name)
      }
      for (const name of GoCluster.named.rules) {
        assert.deepInclude(
          world.condition("FirewallRule", name, "Ready"),
          { reason: "AddressNotOwned" },
          name
        )
      }
    })
  )
  it.effect("a node that lost its label has it again at once, and keeps its address", () =>
    Effect.gen(function* () {
      const { own, world } = yield* GoCluster.make("unset", { settings: { adoptClusterIds: ["unset"] } })
      yield* world.kubernetes.patch(nodes, { name: "n1" }, { metadata: { labels: { [addressLabel]: null } } })
      const attached = () => world.ec2.address(own.allocationId)?.association
      const before = attached()
      yield* world.start()
      yield* world.pass("5 seconds")
      assert.strictEqual(world.labelOf("n1"), own.publicIp)
      assert.deepStrictEqual(attached(), before)
      assert.strictEqual(world.mutations().AssociateAddress, 1)
    })
  )
  it.effect("the flag, given late, takes over what was left alone", () =>
    Effect.gen(function* () {
      const { world } = yield* GoCluster.make("unset", { settings: { adoptClusterIds: [] } })
      const refusing = yield* world.start()
      yield* world.pass("1 minute")
      yield* world.stop(refusing)
      const adopting = yield* world.startWith({ adoptClusterIds: ["unset"] })
      yield* world.pass("10 minutes")
      assert.deepStrictEqual(harmful(world.mutations()), [])
      assert.strictEqual(world.condition("ExternalIP", GoCluster.named.own, "Ready").status, "True")
      yield* world.stop(adopting)
    })
  )
  it.effect("a dry run beside it writes nothing, and tells of tags only", () =>
    Effect.gen(function* () {
      const { groups, world } = yield* GoCluster.make("unset")
      const told = new Set<string>()
      const logger = Logger.make<unknown, void>(({ message }) => {
        const [, action] = /^dry-run: would (\S+)/.exec(String(message)) ?? []
        if (action !== undefined) told.add(action)
      })
      const before = world.writes().length
      const dry = yield* world
        .startWith({ adoptClusterIds: ["unset"] }, { dryRun: true })
        .pipe(Effect.provide(Logger.layer([logger])))
      yield* world.pass("1 minute")
      assert.deepStrictEqual(world.mutations(), {})
      assert.strictEqual(world.writes().length, before)
      assert.include([...told], "CreateTags")
      assert.deepStrictEqual(
        [...told].filter((action) => action !== "CreateTags" && /^[A-Z]/.test(action)),
        []
      )
      assert.isDefined(world.ec2.group(groups.n1))
      yield* world.stop(dry)
    })
  )
  it.effect("leftovers are closed after the first sweep and told, once what is wanted is open", () =>
    Effect.gen(function* () {
      const { groups, world } = yield* GoCluster.make(World.clusterId)
      const wanted = world.openOn("n1")
      yield* world.ec2.hand.authorize({ groupId: groups.n1, direction: "Ingress", permissions: World.ssh })
      yield* world.start()
      yield* world.pass("1 minute")
      assert.deepStrictEqual(world.openOn("n1"), wanted)
      assert.deepStrictEqual(harmful(world.mutations()), ["RevokeSecurityGroupIngress"])
      assert.include(world.events(), "LeftoversClosed")
    })
  )
  it.effect("to adopt an id is to own all that carries it: a group of a node that is not here goes", () =>
    Effect.gen(function* () {
      const { world } = yield* GoCluster.make("unset", { settings: { adoptClusterIds: ["unset"] } })
      const tags = { [Tag.managed]: "true", [Tag.clusterId]: "unset", [Tag.nodeName]: "elsewhere" }
      const { groupId } = yield* world.ec2.hand.createGroup({ name: "kubestatic-x", vpcId: "vpc-1", tags })
      yield* world.start()
      yield* world.pass("1 minute")
      assert.isUndefined(world.ec2.group(groupId))
      assert.strictEqual(world.groups().length, 2)
    })
  )
  it.effect("a node that goes after the upgrade gives its address to the next one, as before", () =>
    Effect.gen(function* () {
      const { world } = yield* GoCluster.make(World.clusterId)
      yield* world.start()
      yield* world.pass("20 seconds")
      const ips = world.ec2.addresses().map((a) => a.publicIp)
      yield* world.goAway("n2")
      yield* world.launch("n3")
      yield* world.pass("1 minute")
      assert.include(ips, world.labelOf("n3"))
      assert.strictEqual(world.ec2.addresses().length, ips.length)
    })
  )
})

/** The filters by which the Go implementation looks for an address and for a group. */
const hasTags = (wanted: Tags) => (resource: { readonly tags: Tags }) =>
  Object.entries(wanted).every(([key, value]) => resource.tags[key] === value)

describe("the way back to the Go implementation", () => {
  for (const [what, clusterId, adopt] of ways) {
    it.effect(`${what}: its schema accepts every object that we stored`, () =>
      Effect.gen(function* () {
        const { world } = yield* GoCluster.make(clusterId, { settings: { adoptClusterIds: adopt } })
        yield* world.start()
        yield* world.pass("20 seconds")
        // What came after the upgrade goes back too: all conditions, states, and optional fields left out.
        yield* world.launch("n3")
        yield* world.create("ExternalIP", "nowhere", {})
        yield* world.create("ExternalIP", "late", { nodeName: "n9" })
        yield* world.create("ExternalIP", "second", { nodeName: "n1" })
        yield* world.create("FirewallRule", "new", { ...World.rule, nodeName: "n3" })
        yield* world.create("FirewallRule", "waiting", { ...World.rule, nodeName: "n9" })
        yield* world.create("FirewallRule", "follows", {
          ...World.rule,
          publicIPAddress: world.labelOf("n1")
        })
        yield* world.create("FirewallRule", "off", { ...World.rule, disableReconciliation: true })
        yield* world.pass("1 minute")
        const objects: ReadonlyArray<readonly ["ExternalIP" | "FirewallRule", Raw]> = [
          ...world.externalIPs().map((o) => ["ExternalIP", o] as const),
          ...world.kubernetes.all(firewallRules).map((o) => ["FirewallRule", o] as const)
        ]
        assert.strictEqual(objects.length, 15)
        for (const [kind, object] of objects) {
          for (const field of ["spec", "status"] as const) {
            const shape = GoSchema.shapes[kind][field]
            assert.isDefined(object[field], `${object.metadata.name} has a ${field}`)
            const found = problems(shape, stored(shape, object[field]), undefined, field)
            assert.deepStrictEqual(found, [], `${kind} ${object.metadata.name}`)
          }
        }
      })
    )
    it.effect(`${what}: started with our cluster id it finds each address and group, once`, () =>
      Effect.gen(function* () {
        const { world } = yield* GoCluster.make(clusterId, { settings: { adoptClusterIds: adopt } })
        yield* world.start()
        yield* world.pass("20 seconds")
        yield* world.launch("n3")
        yield* world.create("FirewallRule", "new", { ...World.rule, nodeName: "n3" })
        yield* world.pass("1 minute")
        const ours = { [Tag.managed]: "true", [Tag.clusterId]: World.clusterId }
        for (const { metadata } of world.externalIPs()) {
          const name = String(metadata.name)
          const found = world.ec2.addresses().filter(hasTags({ ...ours, [Tag.externalIPName]: name }))
          assert.deepStrictEqual(
            found.map((a) => a.allocationId),
            [world.statusOf("ExternalIP", name).addressID],
            name
          )
        }
        for (const nodeName of ["n1", "n2", "n3"]) {
          const found = world.ec2.groups().filter(hasTags({ ...ours, [Tag.nodeName]: nodeName }))
          assert.deepStrictEqual(
            found.map((g) => g.vpcId),
            ["vpc-1"],
            nodeName
          )
        }
      })
    )
  }
  it.effect("its finalizers are ours, so that what it deletes is cleaned up", () =>
    Effect.gen(function* () {
      const { world } = yield* GoCluster.make(World.clusterId)
      yield* world.start()
      yield* world.pass("20 seconds")
      yield* world.launch("n3")
      yield* world.pass("20 seconds")
      for (const { metadata } of world.externalIPs()) {
        assert.deepStrictEqual(metadata.finalizers, [externalIPFinalizer])
      }
      for (const { metadata } of world.kubernetes.all(firewallRules)) {
        assert.deepStrictEqual(metadata.finalizers, [firewallRuleFinalizer])
      }
    })
  )
})
