import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { addressLabel, startupTaint } from "../../src/domain/Names.ts"
import * as Node from "../../src/domain/Node.ts"
import * as Pod from "../../src/domain/Pod.ts"
import { nodes, pods } from "../../src/kubernetes/Kubernetes.ts"
import * as Cloud from "../../src/simulation/Cloud.ts"
import type { Cluster } from "../../src/simulation/CloudCluster.ts"
import * as Delays from "../../src/simulation/CloudDelays.ts"
import { exactly } from "../../src/simulation/Draw.ts"
import { layer as ec2Layer } from "../../src/simulation/Ec2.ts"
import { Ec2World } from "../../src/simulation/Ec2World.ts"
import * as Kubernetes from "../../src/simulation/Kubernetes.ts"

interface Worlds {
  readonly cloud: Cloud.Cloud["Service"]
  readonly cluster: Kubernetes.Cluster["Service"]
  readonly world: Ec2World["Service"]
  readonly node: (name: string) => Node.Node | undefined
  /** What exists of a node: Node object and state of the instance. */
  readonly whatIs: (name: string, instanceId: string) => readonly [string, string | undefined]
}

const inWorlds = <A, E>(
  delays: Partial<Delays.Delays>,
  test: (worlds: Worlds) => Effect.Effect<A, E>,
  seed: string | number = 1
) =>
  Effect.gen(function* () {
    const world = yield* Ec2World
    const latency = Effect.succeed(Duration.zero)
    const { cluster } = yield* Kubernetes.make({ seed: "test", latency })
    const cloud = yield* Cloud.make({ cluster, seed, delays })
    const node = (name: string) => {
      const raw = cluster.get(nodes, { name })
      return raw === undefined ? undefined : Node.decode(raw)
    }
    const whatIs: Worlds["whatIs"] = (name, instanceId) => {
      const found = node(name)
      return [
        found === undefined ? "none" : found.isDeleting ? "deleting" : "there",
        world.instance(instanceId)?.state
      ]
    }
    return yield* test({ cloud, cluster, world, node, whatIs })
  }).pipe(Effect.provide(ec2Layer()))

const at = { name: "a" }

describe("a node that joins", () => {
  it.effect("is an instance, then a Node with its providerID, then Ready", () =>
    inWorlds(
      { boot: exactly(1_000), registration: exactly(2_000), readiness: exactly(4_000) },
      Effect.fnUntraced(function* ({ cloud, cluster, world, node }) {
        const joining = yield* Effect.forkChild(
          cloud.join({ ...at, zone: "eu-west-1b", isAutoAssign: true, startupTaint: "NoExecute" })
        )
        yield* TestClock.adjust(Duration.millis(999))
        assert.deepStrictEqual(
          world.instances().map((i) => i.state),
          ["pending"]
        )
        yield* TestClock.adjust(Duration.millis(2_000))
        assert.deepStrictEqual(
          world.instances().map((i) => i.state),
          ["running"]
        )
        assert.isUndefined(node("a"))
        yield* TestClock.adjust(Duration.millis(1))
        const [instance] = world.instances()
        const registered = node("a")
        assert.deepStrictEqual(registered === undefined ? undefined : Node.placementOnAws(registered), {
          _tag: "Instance",
          instanceId: instance?.instanceId ?? ""
        })
        assert.match(registered?.providerID ?? "", /^aws:\/\/\/eu-west-1b\//)
        assert.isTrue(registered?.isAutoAssign)
        assert.deepStrictEqual(
          registered?.taints.map((t) => [t.key, t.effect]),
          [
            ["node.kubernetes.io/not-ready", "NoSchedule"],
            [startupTaint, "NoExecute"]
          ]
        )
        const isReady = () => JSON.stringify(cluster.get(nodes, at)?.status).includes('"status":"True"')
        assert.isFalse(isReady())
        yield* TestClock.adjust(Duration.seconds(4))
        assert.isTrue(isReady())
        const ready = yield* Fiber.join(joining)
        assert.deepStrictEqual(cloud.node("a"), ready)
        assert.deepStrictEqual(
          node("a")?.taints.map((t) => t.key),
          [startupTaint]
        )
      })
    )
  )
  it.effect("may have no providerID before the cloud controller has seen it", () =>
    inWorlds(
      { ...Delays.none, initialization: exactly(1_000) },
      Effect.fnUntraced(function* ({ cloud, node }) {
        const joining = yield* Effect.forkChild(cloud.join({ ...at, providerIDFrom: "cloud-controller" }))
        yield* TestClock.adjust(Duration.millis(999))
        assert.isDefined(node("a"))
        assert.isUndefined(node("a")?.providerID)
        yield* TestClock.adjust(Duration.millis(1))
        assert.isDefined(node("a")?.providerID)
        yield* Fiber.join(joining)
        assert.deepStrictEqual(node("a")?.taints, [])
      })
    )
  )
  it.effect("keeps what others wrote to it meanwhile", () =>
    inWorlds(
      { ...Delays.none, readiness: exactly(1_000) },
      Effect.fnUntraced(function* ({ cloud, cluster, node }) {
        const joining = yield* Effect.forkChild(cloud.join({ ...at, startupTaint: "NoSchedule" }))
        yield* TestClock.adjust(Duration.millis(500))
        const taints = [...(node("a")?.taints ?? []), { key: "other", effect: "NoSchedule" }]
        yield* cluster.patch(nodes, at, {
          metadata: { labels: { [addressLabel]: "1.2.3.4" } },
          spec: { taints }
        })
        yield* TestClock.adjust(Duration.millis(500))
        yield* Fiber.join(joining)
        assert.strictEqual(node("a")?.address, "1.2.3.4")
        assert.deepStrictEqual(
          node("a")?.taints.map((t) => t.key),
          [startupTaint, "other"]
        )
      })
    )
  )
  it.effect("has a name made up where none is given, each its own", () =>
    inWorlds(
      Delays.none,
      Effect.fnUntraced(function* ({ cloud }) {
        const a = yield* cloud.join({})
        const b = yield* cloud.join({})
        assert.deepStrictEqual([a.name, b.name], ["ip-10-0-0-1.ec2.internal", "ip-10-0-0-2.ec2.internal"])
        assert.deepStrictEqual(cloud.nodes(), [a, b])
      })
    )
  )
  it.effect.each(["boot", "registration"] as const)(
    "and is made to leave during its %s never appears",
    (when) =>
      inWorlds(
        { ...Delays.none, [when]: exactly(10_000) },
        Effect.fnUntraced(function* ({ cloud, world, node }) {
          const joining = yield* Effect.forkChild(cloud.join(at))
          yield* TestClock.adjust(Duration.seconds(5))
          yield* cloud.leave("a", "InstanceFirst")
          yield* TestClock.adjust(Duration.seconds(60))
          yield* Fiber.join(joining)
          assert.isUndefined(node("a"))
          assert.deepStrictEqual(
            world.instances().map((i) => i.state),
            ["terminated"]
          )
        })
      )
  )
})

describe("a node that leaves", () => {
  const delays = { ...Delays.none, termination: exactly(10_000), nodeDeletion: exactly(5_000) }
  it.effect.each<readonly [Cloud.Departure, readonly [string, string], readonly [string, string]]>([
    ["NodeFirst", ["none", "shutting-down"], ["none", "terminated"]],
    ["InstanceFirst", ["there", "shutting-down"], ["there", "terminated"]],
    ["Finalizer", ["deleting", "shutting-down"], ["none", "terminated"]]
  ])("%s", ([how, during, after]) =>
    inWorlds(
      delays,
      Effect.fnUntraced(function* ({ cloud, whatIs }) {
        const { instanceId } = yield* cloud.join(at)
        const leaving = yield* Effect.forkChild(cloud.leave("a", how))
        yield* TestClock.adjust(Duration.millis(9_999))
        assert.deepStrictEqual(whatIs("a", instanceId), during)
        yield* TestClock.adjust(Duration.millis(1))
        assert.deepStrictEqual(whatIs("a", instanceId), after)
        yield* TestClock.adjust(Duration.seconds(5))
        yield* Fiber.join(leaving)
        assert.deepStrictEqual(whatIs("a", instanceId), ["none", "terminated"])
        assert.isUndefined(cloud.node("a"))
      })
    )
  )
  it.effect("is cordoned and drained first where a finalizer holds its Node", () =>
    inWorlds(
      { ...Delays.none, eviction: exactly(1_000), termination: exactly(1_000) },
      Effect.fnUntraced(function* ({ cloud, cluster, node, world }) {
        const { instanceId } = yield* cloud.join(at)
        yield* cloud.runPod({ name: "p", nodeName: "a" })
        const leaving = yield* Effect.forkChild(cloud.leave("a", "Finalizer"))
        yield* TestClock.adjust(Duration.millis(500))
        assert.isTrue(node("a")?.isUnschedulable)
        assert.strictEqual(world.instance(instanceId)?.state, "running")
        yield* TestClock.adjust(Duration.seconds(2))
        yield* Fiber.join(leaving)
        assert.deepStrictEqual(cluster.all(pods), [])
      })
    )
  )
  it.effect("takes the pods with it that were still on it", () =>
    inWorlds(
      { ...Delays.none, podCollection: exactly(3_000) },
      Effect.fnUntraced(function* ({ cloud, cluster }) {
        yield* cloud.join(at)
        yield* cloud.join({ name: "b" })
        yield* cloud.runPod({ name: "p", nodeName: "a" })
        yield* cloud.runPod({ name: "q", nodeName: "b" })
        const leaving = yield* Effect.forkChild(cloud.leave("a", "NodeFirst"))
        yield* TestClock.adjust(Duration.millis(2_999))
        assert.strictEqual(cluster.all(pods).length, 2)
        yield* TestClock.adjust(Duration.millis(1))
        yield* Fiber.join(leaving)
        assert.deepStrictEqual(
          cluster.all(pods).map((p) => p.metadata.name),
          ["q"]
        )
      })
    )
  )
  it.effect("that was not launched here, or is gone already, leaves without complaint", () =>
    inWorlds(
      Delays.none,
      Effect.fnUntraced(function* ({ cloud, cluster, node }) {
        yield* cluster.create(nodes, { metadata: { name: "z" } })
        yield* cloud.leave("z", "NodeFirst")
        assert.isUndefined(node("z"))
        yield* cloud.leave("z", "InstanceFirst")
        yield* cloud.cordon("z")
      })
    )
  )
  it.effect("may come back under its name, as another Node on another instance", () =>
    inWorlds(
      Delays.none,
      Effect.fnUntraced(function* ({ cloud, node }) {
        const before = yield* cloud.join({ ...at, isAutoAssign: true })
        const { uid, isAutoAssign } = node("a") ?? {}
        const after = yield* cloud.replace("a", "NodeFirst")
        assert.notStrictEqual(after.instanceId, before.instanceId)
        assert.strictEqual(after.name, "a")
        assert.notStrictEqual(node("a")?.uid, uid)
        assert.deepStrictEqual([node("a")?.isAutoAssign, isAutoAssign], [true, true])
      })
    )
  )
})

describe("a node that is changed by others at the same moment", () => {
  it.effect("has both changes", () =>
    Effect.gen(function* () {
      const { cluster } = yield* Kubernetes.make({ seed: "test", latency: Effect.succeed(Duration.zero) })
      let rivals = 2
      const contested: Cluster = {
        ...cluster,
        patch: (resource, ref, patch, subresource) =>
          Effect.gen(function* () {
            if (rivals-- > 0) {
              const taints = [{ key: `other-${rivals}`, effect: "NoSchedule" }]
              yield* cluster.patch(nodes, ref, { spec: { taints } })
            }
            return yield* cluster.patch(resource, ref, patch, subresource)
          })
      }
      yield* cluster.create(nodes, { metadata: at })
      const cloud = yield* Cloud.make({ cluster: contested, seed: 1, delays: Delays.none })
      yield* cloud.taint("a", { key: "ours", effect: "NoSchedule" })
      assert.deepStrictEqual(
        Node.decode(cluster.get(nodes, at) ?? { metadata: {} }).taints.map((t) => t.key),
        ["other-0", "ours"]
      )
    }).pipe(Effect.provide(ec2Layer()))
  )
})

describe("a node that is cordoned", () => {
  it.effect("is unschedulable until it is uncordoned", () =>
    inWorlds(
      Delays.none,
      Effect.fnUntraced(function* ({ cloud, node }) {
        yield* cloud.join(at)
        yield* cloud.cordon("a")
        assert.isTrue(node("a")?.isUnschedulable)
        yield* cloud.uncordon("a")
        assert.isFalse(node("a")?.isUnschedulable)
      })
    )
  )
  it.effect("and drained loses one pod after the other", () =>
    inWorlds(
      { ...Delays.none, eviction: exactly(1_000) },
      Effect.fnUntraced(function* ({ cloud, cluster, node }) {
        yield* cloud.join(at)
        for (const name of ["p", "q", "r"]) yield* cloud.runPod({ name, nodeName: "a" })
        const draining = yield* Effect.forkChild(cloud.drain("a"))
        const counts: Array<number> = []
        for (let i = 0; i < 4; i++) {
          counts.push(cluster.all(pods).length)
          yield* TestClock.adjust(Duration.seconds(1))
        }
        yield* Fiber.join(draining)
        assert.deepStrictEqual(counts, [3, 2, 1, 0])
        assert.isTrue(node("a")?.isUnschedulable)
      })
    )
  )
})

describe("a spot interruption", () => {
  it.effect("marks the node at once and ends it after two minutes, drained or not", () =>
    inWorlds(
      { ...Delays.none, spotNotice: exactly(120_000), eviction: exactly(100_000) },
      Effect.fnUntraced(function* ({ cloud, cluster, node, whatIs }) {
        const { instanceId } = yield* cloud.join(at)
        for (const name of ["p", "q"]) yield* cloud.runPod({ name, nodeName: "a" })
        const interrupted = yield* Effect.forkChild(cloud.interruptSpot("a"))
        yield* TestClock.adjust(Duration.seconds(119))
        const marked = node("a")
        assert.isTrue(marked !== undefined && Node.isGoing(marked))
        assert.deepStrictEqual(whatIs("a", instanceId), ["there", "running"])
        assert.strictEqual(cluster.all(pods).length, 1)
        yield* TestClock.adjust(Duration.seconds(1))
        yield* Fiber.join(interrupted)
        assert.deepStrictEqual(whatIs("a", instanceId), ["none", "terminated"])
        assert.deepStrictEqual(cluster.all(pods), [])
      })
    )
  )
})

describe("a pod", () => {
  it.effect("asks for an address while it lives", () =>
    inWorlds(
      Delays.none,
      Effect.fnUntraced(function* ({ cloud, cluster }) {
        const ref = { name: "p", namespace: "x" }
        const found = () => {
          const raw = cluster.get(pods, ref)
          return raw === undefined ? undefined : Pod.decode(raw)
        }
        yield* cloud.runPod({ ...ref, nodeName: "a", address: "1.2.3.4" })
        const { address, nodeName, isLive } = found() ?? {}
        assert.deepStrictEqual([address, nodeName, isLive], ["1.2.3.4", "a", true])
        yield* cloud.finishPod(ref, "Succeeded")
        assert.isFalse(found()?.isLive)
        yield* cloud.deletePod(ref)
        assert.isUndefined(found())
        yield* cloud.deletePod(ref)
      })
    )
  )
})

describe("a seed", () => {
  /** When each Node was there, in the order of their names. */
  const arrivals = (seed: number, names: ReadonlyArray<string>) =>
    inWorlds(
      {},
      Effect.fnUntraced(function* ({ cloud, cluster }) {
        const began = yield* Clock.currentTimeMillis
        const joins = yield* Effect.forkChild(
          Effect.forEach(
            names,
            (name) =>
              Effect.andThen(
                cloud.join({ name }),
                Effect.map(Clock.currentTimeMillis, (now) => [name, now - began] as const)
              ),
            { concurrency: "unbounded" }
          )
        )
        yield* TestClock.adjust(Duration.minutes(2))
        assert.strictEqual(cluster.all(nodes).length, names.length)
        return new Map(yield* Fiber.join(joins))
      }),
      seed
    )
  it.effect("gives each node its delays, whoever else joins and in whatever order", () =>
    Effect.gen(function* () {
      const together = yield* arrivals(1, ["a", "b", "c"])
      const others = yield* arrivals(1, ["x", "c", "a"])
      assert.strictEqual(together.get("a"), others.get("a"))
      assert.strictEqual(together.get("c"), others.get("c"))
      assert.strictEqual(new Set(together.values()).size, 3)
      assert.notDeepEqual(yield* arrivals(2, ["a", "b", "c"]), together)
    })
  )
})
