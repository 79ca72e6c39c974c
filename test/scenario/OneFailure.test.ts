/** What a single call that fails must not cost: what is attached stays, and what follows it stays open. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Tag } from "../../src/domain/Names.ts"
import type { Ec2 } from "../../src/ec2/Ec2.ts"
import { Ec2Error, fromCode } from "../../src/ec2/Ec2Error.ts"
import { externalIPs } from "../../src/kubernetes/Kubernetes.ts"
import * as World from "../World.ts"

type Service = Ec2["Service"]
type Failing = "associateAddress" | "disassociateAddress" | "createTags"

/** EC2 throttles the next one of these calls after `arm`. */
const throttling = (call: Failing) => {
  let left = 0
  const refuse = Effect.delay(
    Effect.fail(
      new Ec2Error({ operation: call, reason: fromCode("RequestLimitExceeded", "Request limit exceeded.") })
    ),
    100
  )
  const unless = <A>(send: Effect.Effect<A, Ec2Error>): Effect.Effect<A, Ec2Error> =>
    Effect.suspend(() => (left-- > 0 ? refuse : send))
  const wraps: { readonly [K in Failing]: (ec2: Service) => Pick<Service, K> } = {
    associateAddress: (ec2) => ({ associateAddress: (r) => unless(ec2.associateAddress(r)) }),
    disassociateAddress: (ec2) => ({ disassociateAddress: (r) => unless(ec2.disassociateAddress(r)) }),
    createTags: (ec2) => ({ createTags: (r) => unless(ec2.createTags(r)) })
  }
  return {
    arm: () => {
      left = 1
    },
    isSpent: () => left <= 0,
    throughEc2: (ec2: Service): Service => ({ ...ec2, ...wraps[call](ec2) })
  }
}

const http = "Ingress|tcp|80|80|ipv4|10.0.0.0/8"
const slowly = { latency: { min: 80, max: 250 } }

/** Two nodes, an address on the first, and a rule that follows it. */
const followed = Effect.fnUntraced(function* (options: World.Options = {}) {
  const world = yield* World.make(options)
  yield* world.launch("n1", { labels: {} })
  yield* world.launch("n2", { labels: {} })
  yield* world.start()
  yield* world.pass("1 second")
  yield* world.create("ExternalIP", "edge", { nodeName: "n1" })
  yield* world.pass("10 seconds")
  yield* world.create("FirewallRule", "web", { ...World.rule, publicIPAddress: world.labelOf("n1") })
  yield* world.pass("10 seconds")
  assert.deepStrictEqual(world.openOn("n1"), [http])
  return world
})
type Made = Effect.Success<ReturnType<typeof followed>>
const addressID = (world: Made): string => String(world.statusOf("ExternalIP", "edge").addressID)

describe("a rule that follows an address", () => {
  it.effect("stays open where tagging the address fails once", () =>
    Effect.gen(function* () {
      const { arm, isSpent, throughEc2 } = throttling("createTags")
      const world = yield* followed({ throughEc2, conditions: slowly })
      const gaps = world.watchGaps("n1", http)
      arm()
      yield* world.ec2.hand.removeTags(addressID(world), [Tag.managed])
      yield* world.pass("6 minutes")
      assert.isTrue(isSpent())
      assert.strictEqual(gaps(), 0)
      assert.strictEqual(world.statusOf("ExternalIP", "edge").state, "Associated")
    })
  )
  it.effect("stays open where tagging the address is denied for good", () =>
    Effect.gen(function* () {
      const world = yield* followed()
      const gaps = world.watchGaps("n1", http)
      yield* world.ec2.deny("CreateTags")
      yield* world.ec2.hand.removeTags(addressID(world), [Tag.managed])
      yield* world.pass("1 hour")
      assert.deepInclude(world.condition("ExternalIP", "edge", "Ready"), {
        status: "False",
        reason: "Forbidden"
      })
      assert.strictEqual(gaps(), 0)
    })
  )
  it.effect("moves with it without a gap where taking it off fails once", () =>
    Effect.gen(function* () {
      const { arm, isSpent, throughEc2 } = throttling("disassociateAddress")
      const world = yield* followed({ throughEc2, conditions: slowly })
      const gaps = world.watchGapsOnAny(["n1", "n2"], http)
      arm()
      yield* world.change("ExternalIP", "edge", { spec: { nodeName: "n2" } })
      yield* world.pass("20 seconds")
      assert.isTrue(isSpent())
      assert.strictEqual(gaps(), 0)
      assert.deepStrictEqual([world.openOn("n1"), world.openOn("n2")], [[], [http]])
    })
  )
  it.effect("stays open where the address waits for a node that does not exist", () =>
    Effect.gen(function* () {
      const world = yield* followed()
      const gaps = world.watchGaps("n1", http)
      yield* world.change("ExternalIP", "edge", { spec: { nodeName: "typo" } })
      yield* world.pass("20 minutes")
      assert.deepInclude(world.statusOf("ExternalIP", "edge"), {
        state: "Reserved",
        instanceID: world.instanceOf("n1")
      })
      assert.strictEqual(gaps(), 0)
    })
  )
  it.effect("is closed once the address is attached nowhere", () =>
    Effect.gen(function* () {
      const world = yield* followed()
      yield* world.change("ExternalIP", "edge", { spec: { nodeName: null } })
      yield* world.pass("10 seconds")
      assert.deepStrictEqual(world.openOn("n1"), [])
      assert.deepInclude(world.condition("FirewallRule", "web", "Ready"), { reason: "NotRequested" })
    })
  )
})

describe("what a status said last of where an address is", () => {
  /** It waits on n1 for a node that does not exist. */
  const waiting = Effect.fnUntraced(function* (options: World.Options = {}) {
    const world = yield* followed(options)
    yield* world.change("ExternalIP", "edge", { spec: { nodeName: "typo" } })
    yield* world.pass("10 seconds")
    assert.deepStrictEqual(world.openOn("n1"), [http])
    return world
  })
  it.effect("opens nothing there once another object has the address", () =>
    Effect.gen(function* () {
      const world = yield* waiting()
      yield* world.ec2.hand.setTags(addressID(world), { [Tag.externalIPName]: "zeta" })
      yield* world.pass("6 minutes")
      yield* world.create("ExternalIP", "zeta", { nodeName: "n2" })
      yield* world.pass("10 minutes")
      assert.deepInclude(world.condition("ExternalIP", "edge", "Ready"), { reason: "AddressNotOwned" })
      assert.deepStrictEqual([world.openOn("n1"), world.openOn("n2")], [[], [http]])
    })
  )
  it.effect("keeps nothing open where the object is left alone and people take the address off", () =>
    Effect.gen(function* () {
      const world = yield* waiting()
      yield* world.change("ExternalIP", "edge", { spec: { disableReconciliation: true } })
      yield* world.pass("10 seconds")
      yield* world.ec2.hand.disassociate(addressID(world))
      yield* world.pass("6 minutes")
      assert.deepStrictEqual(world.openOn("n1"), [])
    })
  )
  it.effect("keeps nothing open once the address cannot be released and is off its node", () =>
    Effect.gen(function* () {
      const world = yield* followed()
      yield* world.ec2.deny("ReleaseAddress")
      yield* world.remove("ExternalIP", "edge")
      yield* world.pass("1 minute")
      assert.isUndefined(world.ec2.addresses()[0]?.association)
      assert.deepStrictEqual(world.openOn("n1"), [])
      assert.strictEqual(world.statusOf("ExternalIP", "edge").state, "Reserved")
    })
  )
  it.effect("keeps nothing open while another party's finalizer holds an object that we let go", () =>
    Effect.gen(function* () {
      const world = yield* waiting()
      const { finalizers = [] } = world.kubernetes.get(externalIPs, { name: "edge" })?.metadata ?? {}
      yield* world.change("ExternalIP", "edge", {
        metadata: { finalizers: [...(finalizers as ReadonlyArray<string>), "example.com/other"] }
      })
      yield* world.remove("ExternalIP", "edge")
      yield* world.pass("1 minute")
      assert.isDefined(world.kubernetes.get(externalIPs, { name: "edge" }))
      assert.deepStrictEqual(world.ec2.addresses(), [])
      assert.deepStrictEqual(world.openOn("n1"), [])
    })
  )
})

describe("an address", () => {
  it.effect("goes back to its interface also where the first attempt fails and it has no public IP", () =>
    Effect.gen(function* () {
      const { arm, isSpent, throughEc2 } = throttling("associateAddress")
      const world = yield* followed({ throughEc2, conditions: { newAutoAssignedAddress: 0 } })
      arm()
      yield* world.ec2.hand.disassociate(addressID(world))
      yield* world.pass("11 minutes")
      assert.isTrue(isSpent())
      assert.deepInclude(world.condition("ExternalIP", "edge", "Ready"), { status: "True" })
    })
  )
  it.effect("is bought also under the longest name that Kubernetes takes", () =>
    Effect.gen(function* () {
      const clusterId = "11111111-2222-3333-4444-555555555555"
      const world = yield* World.make({ settings: { clusterId } })
      yield* world.launch("n1", { labels: {} })
      yield* world.start()
      const name = ["a", "b", "c", "d"].map((letter) => letter.repeat(62)).join(".")
      yield* world.create("ExternalIP", name, { nodeName: "n1" })
      yield* world.pass("10 seconds")
      assert.isDefined(world.kubernetes.get(externalIPs, { name }))
      assert.strictEqual(world.statusOf("ExternalIP", name).state, "Associated")
    })
  )
})
