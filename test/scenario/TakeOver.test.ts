/** A process that waited for the lease, and whose watches have died unnoticed by the time it is given it. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Stream } from "effect"
import { addressLabel, autoAssignLabel } from "../../src/domain/Names.ts"
import { type Kubernetes, pods, type Resource } from "../../src/kubernetes/Kubernetes.ts"
import { KubernetesError, Unreachable } from "../../src/kubernetes/KubernetesError.ts"
import * as Leadership from "../../src/kubernetes/Leadership.ts"
import { idleTimeout } from "../../src/kubernetes/WatchStream.ts"
import * as World from "../World.ts"

const auto = { [autoAssignLabel]: "true" }

/** Watches that bring nothing from a moment on, and fail when that is noticed. */
const line = () => {
  let isDead = false
  const noticed = new KubernetesError({ operation: "watch", reason: new Unreachable({ message: "silence" }) })
  return {
    die: () => {
      isDead = true
    },
    through: (kubernetes: Kubernetes["Service"]): Kubernetes["Service"] => ({
      ...kubernetes,
      watch: (resource: Resource, options) =>
        Stream.suspend(() => {
          const wasDead = isDead
          return kubernetes.watch(resource, options).pipe(
            Stream.filter(() => wasDead || !isDead),
            Stream.timeoutOrElse({ duration: idleTimeout, orElse: () => Stream.fail(noticed) })
          )
        })
    })
  }
}

type Done = Effect.Effect<unknown, KubernetesError>

/** One operator leads, another waits, and what happens under the first, and when that is gone, the second is not told. */
const takenOver = Effect.fnUntraced(function* (
  world: Effect.Success<ReturnType<typeof World.make>>,
  underTheFirst: Done,
  betweenThem: Done = Effect.void
) {
  const first = yield* world.start()
  yield* world.pass("20 seconds")
  const acquired = yield* Deferred.make<void>()
  const { die, through } = line()
  yield* world.startWith(
    {},
    {
      through,
      leadership: Layer.succeed(
        Leadership.Leadership,
        Leadership.Leadership.of({
          acquired: Deferred.await(acquired),
          lost: Effect.never,
          mayWrite: Deferred.isDone(acquired),
          release: Effect.void
        })
      )
    }
  )
  yield* world.pass("20 seconds")
  die()
  yield* underTheFirst
  yield* world.pass("10 seconds")
  yield* world.stop(first)
  yield* betweenThem
  yield* Deferred.succeed(acquired, undefined)
})

describe("a process that takes over with watches that have died unnoticed", () => {
  it.effect("leaves open what the one before it has opened", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: {} })
      yield* world.create("FirewallRule", "old", { ...World.rule, fromPort: 22, nodeName: "n1" })
      yield* takenOver(world, world.create("FirewallRule", "web", { ...World.rule, nodeName: "n1" }))
      assert.strictEqual(world.openOn("n1").length, 2)
      const gaps = world.watchGaps("n1", "Ingress|tcp|80|80|ipv4|10.0.0.0/8")
      yield* world.pass("3 minutes")
      assert.strictEqual(gaps(), 0)
      assert.strictEqual(world.openOn("n1").length, 2)
    })
  )
  it.effect("leaves its address to a node that has come meanwhile", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* takenOver(world, world.launch("n1", { labels: auto }))
      const address = world.labelOf("n1")
      assert.isDefined(address)
      yield* world.launch("n2", { labels: auto })
      yield* world.pass("10 seconds")
      assert.strictEqual(world.labelOf("n1"), address)
      assert.deepStrictEqual(world.mutations(), { AllocateAddress: 1, AssociateAddress: 1 })
    })
  )
  it.effect("leaves the address of a cordoned node to pods that have come meanwhile", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("old", { labels: auto })
      const comes = Effect.suspend(() =>
        world.kubernetes.create(pods, {
          metadata: {
            name: "p",
            namespace: "default",
            labels: { [addressLabel]: world.labelOf("old") ?? "" }
          },
          spec: { nodeName: "old" },
          status: { phase: "Running" }
        })
      )
      const isCordoned = world.change("Node", "old", { spec: { unschedulable: true } })
      yield* takenOver(world, Effect.andThen(comes, isCordoned), world.launch("n1", { labels: auto }))
      const address = world.labelOf("old")
      assert.isDefined(address)
      yield* world.pass("2 minutes")
      assert.strictEqual(world.labelOf("old"), address)
      assert.isDefined(world.labelOf("n1"))
    })
  )
})
