/** ExternalIPs from label to release, as kubectl and EC2 show them. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { eventually, missing, there } from "./world/Eventually.ts"
import type { Manifest } from "./world/Kubectl.ts"
import { user } from "./world/OperatorProcess.ts"
import * as Shown from "./world/Shown.ts"
import { suite } from "./world/Suite.ts"
import { autoAssign, externalIP, type World } from "./world/World.ts"

type Of = World["Service"]

const startupTaint = {
  key: "node.kubestatic.quortex.io/externalip-not-attached",
  value: "true",
  effect: "NoSchedule"
}

/** The ExternalIP that names a node, once it is associated. */
const addressOf = (world: Of, nodeName: string) =>
  eventually(
    `node ${nodeName} has an address`,
    Effect.map(world.kubectl.list("externalips"), (all) => {
      const mine = all.find((e) => e.spec?.nodeName === nodeName && e.status?.state === "Associated")
      return mine === undefined
        ? missing(JSON.stringify(all.map((e) => [e.spec, e.status?.state])))
        : there(mine)
    })
  )

const condition = (object: Manifest, type: string) => object.status?.conditions?.find((c) => c.type === type)

const wait = (world: Of, name: string, what: string) => Shown.wait(world, `externalip/${name}`, what)
const isRefused = (world: Of, name: string, reason: string) => Shown.says(world, `externalip/${name}`, reason)

/** The Node and its instance are gone for good. */
const vanish = (world: Of, name: string, instanceId: string) =>
  Effect.andThen(world.cloud.terminate(instanceId), world.kubectl.ok(["delete", "node", name]))

const pod = (name: string, nodeName: string | undefined, ip: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels: { "kubestatic.quortex.io/externalip": ip } },
  spec: {
    ...(nodeName === undefined ? {} : { nodeName }),
    containers: [{ name: "main", image: "example.com/app" }]
  }
})

suite("addresses", {}, (scenario) => {
  scenario("a labelled node is served in the promised order, and kubectl shows it", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      const launched = yield* world.launchNode("first", { labels: autoAssign, taints: [startupTaint] })
      const object = yield* addressOf(world, "first")
      const { name } = object.metadata
      assert.match(name, /^auto-assigned-/)
      yield* wait(world, name, "condition=Ready")
      yield* wait(world, name, "jsonpath={.status.state}=Associated")
      yield* world.matches("the first node is served")

      const ip = String(object.status?.publicIPAddress)
      const served = yield* world.kubectl.get("node", "first")
      assert.strictEqual(served.metadata.labels?.["kubestatic.quortex.io/externalip"], ip)
      assert.notInclude(JSON.stringify(served.spec), startupTaint.key)
      assert.deepStrictEqual(
        {
          networkInterfaceID: object.status?.networkInterfaceID,
          instanceID: object.status?.instanceID,
          finalizers: object.metadata.finalizers,
          label: object.metadata.labels?.["kubestatic.quortex.io/externalip-auto-assign"]
        },
        {
          networkInterfaceID: launched.networkInterfaceId,
          instanceID: launched.instanceId,
          finalizers: ["externalip.finalizers.kubestatic.quortex.io"],
          label: "true"
        }
      )
      for (const type of ["IPCreated", "NetworkInterfaceAssociated"]) {
        assert.strictEqual(condition(object, type)?.status, "True")
        assert.strictEqual(condition(object, type)?.reason, type)
      }

      // The order of the writes, as both worlds received them.
      const steps = [
        ...world.apiServer
          .audit()
          .filter((e) => e.user.username === user && ["create", "patch"].includes(e.verb))
          .filter((e) => e.objectRef?.resource !== "events")
          .map((e) => ({
            at: Date.parse(e.requestReceivedTimestamp),
            what: [e.verb, e.objectRef?.resource, e.objectRef?.subresource].filter(Boolean).join(" ")
          })),
        ...world.wire.mutations().map((c) => ({ at: c.sentAt, what: c.action }))
      ].sort((a, b) => a.at - b.at)
      assert.deepStrictEqual(
        steps.map((s) => s.what),
        [
          "create externalips",
          "patch externalips status",
          "AllocateAddress",
          "patch externalips status",
          "AssociateAddress",
          ...steps.slice(5).map((s) => s.what)
        ]
      )
      assert.sameMembers(
        steps.slice(5).map((s) => s.what),
        ["patch nodes", "patch externalips status"]
      )

      const table = yield* world.kubectl.ok(["get", "externalips"])
      assert.match(table, /^NAME +STATE +PUBLIC IP +NODE +READY +AGE\n/)
      assert.match(
        table,
        new RegExp(`^${name} +Associated +${ip.replaceAll(".", "[.]")} +first +True +\\d+s$`, "m")
      )
      // The short name and the category.
      assert.include(yield* world.kubectl.ok(["get", "eip"]), name)
      assert.include(yield* world.kubectl.ok(["get", "kubestatic"]), name)
      const described = yield* Shown.tells(world, `externalip/${name}`, "Normal", "AddressAttached")
      assert.match(described, /Normal +AddressAllocated .*kubestatic/)
      assert.include(described, ip)
    })
  )

  scenario("of the free addresses the one that most pods ask for is given first", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      const [a, b] = [
        yield* world.launchNode("pods-a", { labels: autoAssign }),
        yield* world.launchNode("pods-b", { labels: autoAssign })
      ]
      const ofA = yield* addressOf(world, "pods-a")
      const ofB = yield* addressOf(world, "pods-b")
      yield* vanish(world, "pods-a", a.instanceId)
      yield* vanish(world, "pods-b", b.instanceId)
      for (const { metadata } of [ofA, ofB])
        yield* wait(world, metadata.name, "jsonpath={.status.state}=Reserved")
      const most = String(ofB.status?.publicIPAddress)
      yield* world.kubectl.apply(
        pod("asks-a", undefined, String(ofA.status?.publicIPAddress)),
        pod("asks-b-1", undefined, most),
        pod("asks-b-2", undefined, most)
      )
      yield* world.launchNode("pods-c", { labels: autoAssign })
      assert.strictEqual((yield* addressOf(world, "pods-c")).metadata.name, ofB.metadata.name)
      yield* world.launchNode("pods-d", { labels: autoAssign })
      assert.strictEqual((yield* addressOf(world, "pods-d")).metadata.name, ofA.metadata.name)
      yield* world.matches("both addresses are used again")
    })
  )

  scenario("the address of a cordoned node moves on, unless a pod there lives by it", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.launchNode("cordon-kept", { labels: autoAssign })
      yield* world.launchNode("cordon-given", { labels: autoAssign })
      const kept = yield* addressOf(world, "cordon-kept")
      const given = yield* addressOf(world, "cordon-given")
      yield* world.kubectl.apply(pod("lives", "cordon-kept", String(kept.status?.publicIPAddress)))
      yield* world.kubectl.ok(["cordon", "cordon-kept", "cordon-given"])
      yield* world.launchNode("cordon-next", { labels: autoAssign })
      assert.strictEqual((yield* addressOf(world, "cordon-next")).metadata.name, given.metadata.name)
      yield* world.launchNode("cordon-last", { labels: autoAssign })
      assert.notStrictEqual((yield* addressOf(world, "cordon-last")).metadata.name, kept.metadata.name)
      yield* world.matches("the cordoned node with a pod keeps its address")
    })
  )

  for (const taint of ["karpenter.sh/disrupted", "ToBeDeletedByClusterAutoscaler"]) {
    scenario(`a node with the taint ${taint} is on its way out: its address moves on`, (world) =>
      Effect.gen(function* () {
        const operator = yield* world.startOperator()
        yield* operator.ready
        const stem = `leaving-${taint.toLowerCase().replaceAll(/[^a-z]/g, "-")}`
        yield* world.launchNode(stem, { labels: autoAssign })
        const address = yield* addressOf(world, stem)
        yield* world.kubectl.ok(["taint", "node", stem, `${taint}=:NoSchedule`])
        yield* world.launchNode(`${stem}-next`, { labels: autoAssign })
        assert.strictEqual((yield* addressOf(world, `${stem}-next`)).metadata.name, address.metadata.name)
        yield* world.matches("the next node has it")
      })
    )
  }

  scenario("an address that was kept is taken back before another one is bought", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator({ flags: ["--prevent-eip-deallocation"] })
      yield* operator.ready
      const before = yield* world.launchNode("keeps", { labels: autoAssign })
      const { metadata, spec, status } = yield* addressOf(world, "keeps")
      assert.isTrue(spec?.preventEIPDeallocation)
      yield* vanish(world, "keeps", before.instanceId)
      yield* world.kubectl.ok(["delete", "externalip", metadata.name, "--timeout=60s"])
      const kept = (yield* world.cloud.addresses).find((a) => a.publicIp === status?.publicIPAddress)
      assert.strictEqual(kept?.associationId, undefined)
      assert.strictEqual(kept?.allocationId, status?.addressID)
      yield* world.launchNode("takes", { labels: autoAssign })
      const taken = yield* addressOf(world, "takes")
      assert.deepStrictEqual(
        [taken.metadata.name, taken.status?.addressID],
        [metadata.name, kept?.allocationId]
      )
      assert.notStrictEqual(taken.metadata.uid, metadata.uid)
      yield* world.matches("the kept address is used again")
    })
  )

  scenario("a node that is replaced under its name has its address again", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      const before = yield* world.launchNode("replaced", { labels: autoAssign })
      const address = yield* addressOf(world, "replaced")
      yield* vanish(world, "replaced", before.instanceId)
      const after = yield* world.launchNode("replaced", { labels: autoAssign })
      yield* world.matches("the new node of that name is served")
      const now = yield* addressOf(world, "replaced")
      assert.strictEqual(now.status?.instanceID, after.instanceId)
      assert.strictEqual(now.status?.publicIPAddress, address.status?.publicIPAddress)
    })
  )

  scenario("a user's own address is moved, cleared, and deleted with and without keeping", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.launchNode("own-a")
      const b = yield* world.launchNode("own-b")
      yield* world.kubectl.apply(externalIP("mine", { nodeName: "own-a" }))
      yield* wait(world, "mine", "condition=Ready")
      yield* world.matches("it is on the first node")
      const { status } = yield* world.kubectl.get("externalip", "mine")

      yield* world.kubectl.apply(externalIP("mine", { nodeName: "own-b" }))
      yield* wait(world, "mine", `jsonpath={.status.instanceID}=${b.instanceId}`)
      yield* world.matches("it is on the second node")

      yield* world.kubectl.apply(externalIP("mine", {}))
      yield* wait(world, "mine", "jsonpath={.status.state}=Reserved")
      yield* world.matches("it is on no node")

      yield* world.kubectl.apply(externalIP("mine", { nodeName: "own-not-yet" }))
      yield* isRefused(world, "mine", "NodeNotFound")
      yield* world.launchNode("own-not-yet")
      yield* wait(world, "mine", "condition=Ready")
      const moved = yield* world.kubectl.get("externalip", "mine")
      assert.strictEqual(moved.status?.publicIPAddress, status?.publicIPAddress)
      assert.deepStrictEqual(moved.spec?.nodeName, "own-not-yet")

      yield* world.kubectl.apply(
        externalIP("mine", { nodeName: "own-not-yet", preventEIPDeallocation: true })
      )
      yield* world.kubectl.ok(["delete", "externalip", "mine", "--timeout=60s"])
      const kept = (yield* world.cloud.addresses).find((a) => a.publicIp === status?.publicIPAddress)
      assert.isDefined(kept)
      assert.isUndefined(kept?.associationId)

      yield* world.kubectl.apply(externalIP("mine", { nodeName: "own-a" }))
      yield* wait(world, "mine", "condition=Ready")
      const again = yield* world.kubectl.get("externalip", "mine")
      assert.strictEqual(again.status?.addressID, kept?.allocationId)
      yield* world.kubectl.ok(["delete", "externalip", "mine", "--timeout=60s"])
      assert.notInclude(
        (yield* world.cloud.addresses).map((a) => a.allocationId),
        kept?.allocationId
      )
      yield* world.matches("nothing of it is left")
    })
  )

  scenario("a disabled address is left alone, and deleting it still cleans up", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.launchNode("disabled-a")
      yield* world.launchNode("disabled-b")
      yield* world.kubectl.apply(externalIP("paused", { nodeName: "disabled-a" }))
      yield* wait(world, "paused", "condition=Ready")
      const before = (yield* world.cloud.addresses).find(
        (a) => a.tags["kubestatic.quortex.io/external-ip-name"] === "paused"
      )
      yield* world.kubectl.apply(
        externalIP("paused", { nodeName: "disabled-b", disableReconciliation: true })
      )
      yield* wait(world, "paused", "condition=Ready=unknown")
      yield* isRefused(world, "paused", "ReconciliationDisabled")
      const after = (yield* world.cloud.addresses).find((a) => a.allocationId === before?.allocationId)
      assert.strictEqual(after?.instanceId, before?.instanceId)
      yield* world.kubectl.ok(["delete", "externalip", "paused", "--timeout=60s"])
      yield* world.matches("it is released")
    })
  )

  scenario("what is changed in EC2 by hand is put right by the next sweep", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator({ flags: ["--drift-interval=2s"] })
      yield* operator.ready
      yield* world.launchNode("drift")
      yield* world.kubectl.apply(externalIP("drifts", { nodeName: "drift" }))
      yield* wait(world, "drifts", "condition=Ready")
      const mine = Effect.map(world.cloud.addresses, (all) =>
        all.find((a) => a.tags["kubestatic.quortex.io/external-ip-name"] === "drifts")
      )
      const before = yield* mine
      // Our own write beats a describe that contradicts it for two minutes; a new process has written nothing.
      yield* operator.end("SIGTERM")
      const next = yield* world.startOperator({ flags: ["--drift-interval=2s"] })
      yield* next.ready
      yield* world.cloud.disassociate(before?.associationId ?? "")
      yield* world.matches("it is associated again", { within: "60 seconds" })
      const after = yield* mine
      assert.strictEqual(after?.allocationId, before?.allocationId)
      assert.notStrictEqual(after?.associationId, before?.associationId)
      assert.isAbove(yield* next.metric("kubestatic_drift_repaired_total"), 0)
    })
  )
})
