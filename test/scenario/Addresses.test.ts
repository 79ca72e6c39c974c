import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import {
  addressLabel,
  autoAssignLabel,
  externalIPFinalizer,
  startupTaint,
  Tag
} from "../../src/domain/Names.ts"
import { externalIPs, pods } from "../../src/kubernetes/Kubernetes.ts"
import { KubernetesError, ServerFault } from "../../src/kubernetes/KubernetesError.ts"
import * as World from "../World.ts"

const taint = { key: startupTaint, effect: "NoSchedule" }
const auto = { [autoAssignLabel]: "true" }

const pod = (name: string, nodeName: string, address: string) => ({
  metadata: { name, namespace: "default", labels: { [addressLabel]: address } },
  spec: { nodeName },
  status: { phase: "Running" }
})

/** A node with an address, and a pod on it that asks for that address. */
const served = Effect.fnUntraced(function* () {
  const world = yield* World.make()
  yield* world.launch("old", { labels: auto })
  yield* world.start()
  yield* world.pass("20 seconds")
  const ip = world.labelOf("old") ?? ""
  yield* world.kubernetes.create(pods, pod("p", "old", ip))
  return { world, ip }
})

describe("a node with the auto-assign label", () => {
  it.effect("gets an address and its label, and loses the startup taint, with two mutating calls", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const { instanceId } = yield* world.launch("n1", {
        labels: auto,
        taints: [taint, { key: "other", effect: "NoSchedule" }]
      })
      yield* world.start()
      yield* world.pass("10 seconds")
      const [address] = world.ec2.addresses()
      assert(address !== undefined)
      assert.strictEqual(address.association?.instanceId, instanceId)
      assert.strictEqual(world.labelOf("n1"), address.publicIp)
      assert.deepStrictEqual(world.taintsOf("n1"), ["other"])
      assert.deepStrictEqual(world.mutations(), { AllocateAddress: 1, AssociateAddress: 1 })
      assert.deepInclude(world.statusOf("ExternalIP", address.tags[Tag.externalIPName] ?? ""), {
        state: "Associated",
        addressID: address.allocationId,
        publicIPAddress: address.publicIp,
        instanceID: instanceId
      })
    })
  )
  it.effect("a second pass of everything writes nothing, over hours", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      for (const n of ["n1", "n2", "n3"]) yield* world.launch(n, { labels: auto, taints: [taint] })
      yield* world.create("FirewallRule", "web", { ...World.rule, nodeName: "n1" })
      yield* world.start()
      yield* world.pass("1 minute")
      const before = { writes: world.writes().length, mutations: world.mutations() }
      yield* world.pass("3 hours")
      assert.deepStrictEqual({ writes: world.writes().length, mutations: world.mutations() }, before)
    })
  )
  it.effect("is served by a free address before a new one is bought", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: auto })
      yield* world.start()
      yield* world.pass("10 seconds")
      yield* world.goAway("n1")
      yield* world.pass("10 seconds")
      const { instanceId } = yield* world.launch("n2", { labels: auto })
      yield* world.pass("20 seconds")
      assert.strictEqual(world.ec2.addresses().length, 1)
      assert.strictEqual(world.ec2.addresses()[0]?.association?.instanceId, instanceId)
      assert.strictEqual(world.labelOf("n2"), world.ec2.addresses()[0]?.publicIp)
    })
  )
  it.effect("takes the address of a cordoned node once no pod there carries its label, never before", () =>
    Effect.gen(function* () {
      const { ip, world } = yield* served()
      yield* world.change("Node", "old", { spec: { unschedulable: true } })
      yield* world.launch("n1", { labels: auto })
      yield* world.pass("20 seconds")
      assert.notStrictEqual(world.labelOf("n1"), ip)
      assert.strictEqual(world.labelOf("old"), ip)
      yield* world.kubernetes.remove(pods, { name: "p", namespace: "default" })
      yield* world.launch("n2", { labels: auto })
      yield* world.pass("20 seconds")
      assert.strictEqual(world.labelOf("n2"), ip)
      assert.isUndefined(world.labelOf("old"))
      assert.strictEqual(world.ec2.addresses().length, 2)
    })
  )
  it.effect("leaves the address of a cordoned node to a pod whose label was taken off and put back", () =>
    Effect.gen(function* () {
      const { ip, world } = yield* served()
      for (const label of [null, ip]) {
        const ref = { name: "p", namespace: "default" }
        yield* world.kubernetes.patch(pods, ref, { metadata: { labels: { [addressLabel]: label } } })
        yield* world.pass("1 second")
      }
      yield* world.change("Node", "old", { spec: { unschedulable: true } })
      yield* world.launch("n1", { labels: auto })
      yield* world.pass("20 seconds")
      assert.strictEqual(world.labelOf("old"), ip)
      assert.notStrictEqual(world.labelOf("n1"), ip)
    })
  )
  it.effect("a replacement under the same name keeps the address", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: auto })
      yield* world.start()
      yield* world.pass("20 seconds")
      const ip = world.labelOf("n1")
      yield* world.goAway("n1")
      const { instanceId } = yield* world.launch("n1", { labels: auto, taints: [taint] })
      yield* world.pass("30 seconds")
      assert.strictEqual(world.labelOf("n1"), ip)
      assert.strictEqual(world.ec2.addresses()[0]?.association?.instanceId, instanceId)
      assert.deepStrictEqual(world.taintsOf("n1"), [])
    })
  )
  it.effect("many at once get one address each", () =>
    Effect.gen(function* () {
      const world = yield* World.make({
        kubernetesLatency: 5,
        conditions: { latency: { min: 80, max: 250 } }
      })
      for (let i = 0; i < 40; i++) yield* world.launch(`n${i}`, { labels: auto, taints: [taint] })
      yield* world.start()
      yield* world.pass("20 seconds")
      assert.strictEqual(world.ec2.addresses().filter((a) => a.association !== undefined).length, 40)
      assert.deepStrictEqual(world.mutations(), { AllocateAddress: 40, AssociateAddress: 40 })
    })
  )
})

describe("a user's own ExternalIP", () => {
  it.effect("without a node is Reserved and Ready", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.create("ExternalIP", "own", {})
      yield* world.start()
      yield* world.pass("5 seconds")
      assert.strictEqual(world.statusOf("ExternalIP", "own").state, "Reserved")
      assert.deepInclude(world.condition("ExternalIP", "own", "Ready"), { status: "True" })
      assert.deepInclude(world.condition("ExternalIP", "own", "NetworkInterfaceAssociated"), {
        reason: "NotRequested"
      })
    })
  )
  it.effect("waits for its node, attaches when it appears, moves, and comes off", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.create("ExternalIP", "own", { nodeName: "n1" })
      yield* world.start()
      yield* world.pass("5 seconds")
      assert.deepInclude(world.condition("ExternalIP", "own", "Ready"), {
        status: "False",
        reason: "NodeNotFound"
      })
      yield* world.launch("n1", { labels: {} })
      yield* world.pass("5 seconds")
      const ip = world.labelOf("n1")
      assert.strictEqual(world.statusOf("ExternalIP", "own").state, "Associated")
      yield* world.launch("n2", { labels: {} })
      yield* world.change("ExternalIP", "own", { spec: { nodeName: "n2" } })
      yield* world.pass("5 seconds")
      assert.deepStrictEqual([world.labelOf("n1"), world.labelOf("n2")], [undefined, ip])
      yield* world.change("ExternalIP", "own", { spec: { nodeName: null } })
      yield* world.pass("5 seconds")
      assert.isUndefined(world.labelOf("n2"))
      assert.strictEqual(world.statusOf("ExternalIP", "own").state, "Reserved")
      assert.strictEqual(world.ec2.addresses().length, 1)
    })
  )
  it.effect(
    "stays where it is while its new node is not there, and makes room when others ask for the old one",
    () =>
      Effect.gen(function* () {
        // EC2 may give the interface no other address, and then it is not public any more.
        const world = yield* World.make({ conditions: { newAutoAssignedAddress: 1 } })
        for (const n of ["n1", "n2"]) yield* world.launch(n, { labels: {} })
        yield* world.create("ExternalIP", "own", { nodeName: "n1" })
        yield* world.start()
        yield* world.pass("5 seconds")
        const carrierOf = (name: string) =>
          world.ec2.addresses().find((a) => a.tags[Tag.externalIPName] === name)?.association?.instanceId
        yield* world.change("ExternalIP", "own", { spec: { nodeName: "n3" } })
        yield* world.pass("30 seconds")
        assert.strictEqual(carrierOf("own"), world.instanceOf("n1"))
        yield* world.create("ExternalIP", "other", { nodeName: "n1" })
        yield* world.pass("15 seconds")
        assert.deepStrictEqual([carrierOf("own"), carrierOf("other")], [undefined, world.instanceOf("n1")])
        assert.deepInclude(world.condition("ExternalIP", "own", "Ready"), { reason: "NodeNotFound" })
      })
  )
  it.effect("E14: keeps the nodeName its author wrote when the node goes", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.create("ExternalIP", "own", { nodeName: "n1" })
      yield* world.launch("n1", { labels: {} })
      yield* world.start()
      yield* world.pass("5 seconds")
      yield* world.goAway("n1")
      yield* world.pass("10 minutes")
      assert.deepInclude(world.externalIP("own")?.spec, { nodeName: "n1" })
      assert.deepInclude(world.condition("ExternalIP", "own", "Ready"), { reason: "NodeNotFound" })
      assert.strictEqual(world.ec2.addresses().length, 1)
    })
  )
  it.effect("deleted between a write of its status and the reply, is gone in seconds", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ kubernetesLatency: 400, conditions: { quotas: { addresses: 0 } } })
      const written = yield* Deferred.make<void>()
      world.kubernetes.onChange(({ object, resource }) => {
        if (resource !== externalIPs) return
        // The last that it writes before it waits for the quota.
        if (JSON.stringify(object.status ?? {}).includes("AddressLimitExceeded"))
          Deferred.doneUnsafe(written, Effect.void)
      })
      yield* Effect.forkChild(
        Deferred.await(written).pipe(
          Effect.andThen(Effect.sleep("50 millis")),
          Effect.andThen(world.kubernetes.remove(externalIPs, { name: "mine" }))
        )
      )
      yield* world.create("ExternalIP", "mine", {})
      yield* world.start()
      yield* world.pass("10 seconds")
      assert.isUndefined(world.externalIP("mine"))
    })
  )
  it.effect("is deleted with its address, or without where it is to be kept", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: {} })
      yield* world.launch("n2", { labels: {} })
      yield* world.create("ExternalIP", "gone", { nodeName: "n1" })
      yield* world.create("ExternalIP", "kept", { nodeName: "n2", preventEIPDeallocation: true })
      yield* world.start()
      yield* world.pass("5 seconds")
      yield* world.remove("ExternalIP", "gone")
      yield* world.remove("ExternalIP", "kept")
      yield* world.pass("5 seconds")
      assert.deepStrictEqual(world.externalIPs(), [])
      assert.deepStrictEqual(
        world.ec2.addresses().map((a) => [a.tags[Tag.externalIPName], a.association]),
        [["kept", undefined]]
      )
      assert.deepStrictEqual([world.labelOf("n1"), world.labelOf("n2")], [undefined, undefined])
    })
  )
  it.effect("two that name one node: one holds it, the other says why not, and nothing flaps", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ conditions: { newAutoAssignedAddress: 1 } })
      yield* world.launch("n1", { labels: {} })
      yield* world.create("ExternalIP", "a", { nodeName: "n1" })
      yield* world.start()
      yield* world.pass("5 seconds")
      yield* world.create("ExternalIP", "b", { nodeName: "n1" })
      yield* world.pass("30 minutes")
      assert.deepInclude(world.condition("ExternalIP", "b", "Ready"), { reason: "NodeAlreadyHasAddress" })
      assert.strictEqual(world.mutations().AssociateAddress, 1)
      yield* world.remove("ExternalIP", "a")
      yield* world.pass("10 seconds")
      assert.strictEqual(world.statusOf("ExternalIP", "b").state, "Associated")
    })
  )
  it.effect("disabled is left alone, and its deletion still cleans up", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: {} })
      yield* world.create("ExternalIP", "e", { nodeName: "n1" })
      yield* world.start()
      yield* world.pass("5 seconds")
      yield* world.change("ExternalIP", "e", { spec: { disableReconciliation: true, nodeName: "elsewhere" } })
      yield* world.pass("10 minutes")
      assert.strictEqual(world.statusOf("ExternalIP", "e").state, "Associated")
      assert.deepInclude(world.condition("ExternalIP", "e", "Ready"), { status: "Unknown" })
      assert.isDefined(world.ec2.addresses()[0]?.association)
      yield* world.remove("ExternalIP", "e")
      yield* world.pass("10 seconds")
      assert.deepStrictEqual([world.externalIPs(), world.ec2.addresses()], [[], []])
    })
  )
})

describe("what happens in EC2 behind the operator's back", () => {
  it.effect("a disassociated address is put back within one sweep", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: auto })
      yield* world.start()
      yield* world.pass("10 minutes")
      const [address] = world.ec2.addresses()
      yield* world.ec2.hand.disassociate(address?.allocationId ?? "")
      yield* world.pass("6 minutes")
      assert.isDefined(world.ec2.addresses()[0]?.association)
      assert.strictEqual(world.labelOf("n1"), address?.publicIp)
    })
  )
  it.effect("a released address is replaced", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: auto })
      yield* world.start()
      yield* world.pass("10 minutes")
      const before = world.labelOf("n1")
      yield* world.ec2.hand.release(world.ec2.addresses()[0]?.allocationId ?? "")
      yield* world.pass("6 minutes")
      assert.strictEqual(world.ec2.addresses().length, 1)
      assert.notStrictEqual(world.labelOf("n1"), before)
      assert.strictEqual(world.labelOf("n1"), world.ec2.addresses()[0]?.publicIp)
    })
  )
  it.effect("an address quota is said, and served once it is raised", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ conditions: { quotas: { addresses: 1 } } })
      yield* world.launch("n1", { labels: auto })
      yield* world.launch("n2", { labels: auto, taints: [taint] })
      yield* world.start()
      yield* world.pass("1 minute")
      const refused = world.externalIPs().find((e) => World.stateOf(e) !== "Associated")
      assert.deepInclude(world.condition("ExternalIP", String(refused?.metadata.name), "Ready"), {
        reason: "AddressLimitExceeded"
      })
      yield* world.ec2.change({ quotas: { addresses: 10 } })
      yield* world.pass("10 minutes")
      assert.deepStrictEqual(world.taintsOf("n2"), [])
    })
  )
  it.effect("an intent that was written, although the answer said otherwise, is acted on at once", () =>
    Effect.gen(function* () {
      let isFirst = true
      const lost = new KubernetesError({
        operation: "patch",
        reason: new ServerFault({ message: "gateway time-out", status: 504 })
      })
      const world = yield* World.make({
        through: (kubernetes) => ({
          ...kubernetes,
          patch: (resource, ref, body, options) =>
            Effect.tap(kubernetes.patch(resource, ref, body, options), () => {
              if (!isFirst || options?.subresource !== "status") return Effect.void
              isFirst = false
              return Effect.fail(lost)
            })
        })
      })
      yield* world.launch("n1", { labels: auto })
      yield* world.start()
      yield* world.pass("5 seconds")
      assert.isFalse(isFirst)
      assert.strictEqual(World.stateOf(world.externalIPs()[0] ?? { metadata: {} }), "Associated")
      assert.strictEqual(world.mutations().AllocateAddress, 1)
    })
  )
  it.effect("revoked permissions are said, and work goes on once they are back", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: auto })
      yield* world.ec2.deny("AssociateAddress")
      yield* world.start()
      yield* world.pass("1 minute")
      const name = String(world.externalIPs()[0]?.metadata.name)
      assert.deepInclude(world.condition("ExternalIP", name, "Ready"), { reason: "Forbidden" })
      assert.isDefined(world.statusOf("ExternalIP", name).addressID)
      yield* world.ec2.allow("AssociateAddress")
      yield* world.pass("10 minutes")
      assert.strictEqual(world.statusOf("ExternalIP", name).state, "Associated")
    })
  )
})

describe("the operator stopped and started again", () => {
  it.effect("at any moment of the way up ends in the same world", () =>
    Effect.gen(function* () {
      for (let millis = 0; millis <= 1200; millis += 100) {
        const world = yield* World.make({
          kubernetesLatency: 10,
          conditions: { latency: { min: 100, max: 100 } }
        })
        yield* world.launch("n1", { labels: auto, taints: [taint] })
        const first = yield* world.start()
        yield* world.pass(millis)
        yield* world.stop(first)
        yield* world.start()
        yield* world.pass("5 minutes")
        assert.strictEqual(world.ec2.addresses().length, 1, `stopped after ${millis} ms`)
        assert.strictEqual(
          world.labelOf("n1"),
          world.ec2.addresses()[0]?.publicIp,
          `stopped after ${millis} ms`
        )
        assert.strictEqual(world.externalIPs().length, 1)
        assert.deepInclude(world.externalIPs()[0]?.metadata, { finalizers: [externalIPFinalizer] })
      }
    })
  )
  it.effect("while many wait for their turn in EC2 ends at once, and the next start finishes", () =>
    Effect.gen(function* () {
      const world = yield* World.make({
        kubernetesLatency: 5,
        conditions: { latency: { min: 80, max: 250 } }
      })
      for (let i = 0; i < 80; i++) yield* world.launch(`n${i}`, { labels: auto })
      const first = yield* world.start()
      yield* world.pass("1500 millis")
      const bought = world.ec2.addresses().length
      assert.isBelow(bought, 80)
      const stopping = yield* Effect.forkChild(first.stop)
      yield* world.pass("1 second")
      assert.isDefined(stopping.pollUnsafe(), "nobody waits for a bucket after the word to stop")
      // What was under way was finished, nothing else was begun.
      assert.isAtMost(world.ec2.addresses().length, bought + 2)
      yield* world.start()
      yield* world.pass("3 minutes")
      assert.strictEqual(world.ec2.addresses().length, 80)
      assert.deepStrictEqual(world.mutations(), { AllocateAddress: 80, AssociateAddress: 80 })
    })
  )
})
