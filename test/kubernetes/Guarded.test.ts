/** Only a leader writes, and what it has begun to write it ends. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import type { Raw } from "../../src/domain/Object.ts"
import { marginMillis } from "../../src/kubernetes/Election.ts"
import * as Guarded from "../../src/kubernetes/Guarded.ts"
import {
  externalIPs,
  Kubernetes,
  leases,
  nodes,
  type Service,
  subjectAccessReviews,
  tokenReviews
} from "../../src/kubernetes/Kubernetes.ts"
import type { KubernetesError } from "../../src/kubernetes/KubernetesError.ts"
import * as Leadership from "../../src/kubernetes/Leadership.ts"
import { fake } from "./FakeKubernetes.ts"

const object: Raw = { metadata: { name: "a" } }

const setUp = (options: Partial<Guarded.Options> = {}, calls: Partial<Service> = {}) => {
  const sent: Array<string> = []
  const record = (what: string) =>
    Effect.sync(() => {
      sent.push(what)
      return object
    })
  const inner = fake({
    get: (r, ref) => record(`get ${r.plural}/${ref.name}`),
    create: (r) => record(`create ${r.plural}`),
    patch: (r, ref) => record(`patch ${r.plural}/${ref.name}`),
    update: (r, ref) => record(`update ${r.plural}/${ref.name}`),
    ...calls
  })
  const guarded = Guarded.guard(inner, { mayWrite: Effect.succeed(true), dryRun: false, ...options })
  return { ...guarded, sent }
}

const writesOf = (kubernetes: Service): ReadonlyArray<Effect.Effect<Raw, KubernetesError>> => [
  kubernetes.create(externalIPs, object),
  kubernetes.patch(nodes, { name: "a" }, {}),
  kubernetes.patch(externalIPs, { name: "a" }, {}, { subresource: "status" }),
  kubernetes.update(nodes, { name: "a" }, object)
]

const reasonsOf = (effects: ReadonlyArray<Effect.Effect<Raw, KubernetesError>>) =>
  Effect.forEach(effects, (effect) => Effect.map(Effect.flip(effect), (error) => error.reason._tag))

describe("a guarded write", () => {
  it.effect("passes while this process leads, and is counted", () =>
    Effect.gen(function* () {
      const { sent, service, writes } = setUp()
      yield* Effect.all(writesOf(service))
      assert.deepStrictEqual(sent, [
        "create externalips",
        "patch nodes/a",
        "patch externalips/a",
        "update nodes/a"
      ])
      yield* service.patch(nodes, { name: "b" }, {})
      assert.deepStrictEqual(yield* writes.counts, [
        { verb: "create", kind: "ExternalIP", count: 1 },
        { verb: "patch", kind: "Node", count: 2 },
        { verb: "patch", kind: "ExternalIP", count: 1 },
        { verb: "update", kind: "Node", count: 1 }
      ])
    })
  )

  it.effect("is not sent otherwise", () =>
    Effect.gen(function* () {
      const { sent, service, writes } = setUp({ mayWrite: Effect.succeed(false) })
      assert.deepStrictEqual(yield* reasonsOf(writesOf(service)), Array(4).fill("NotLeader"))
      assert.deepStrictEqual(sent, [])
      assert.deepStrictEqual(yield* writes.counts, [])
    })
  )

  it.effect("asks anew for each write", () =>
    Effect.gen(function* () {
      let leads = true
      const { service, sent } = setUp({ mayWrite: Effect.sync(() => leads) })
      const patch = service.patch(nodes, { name: "a" }, {})
      yield* patch
      leads = false
      yield* Effect.flip(patch)
      assert.strictEqual(sent.length, 1)
    })
  )

  it.effect("is only logged in a dry run", () =>
    Effect.gen(function* () {
      const { sent, service, writes } = setUp({ dryRun: true })
      assert.deepStrictEqual(yield* reasonsOf(writesOf(service)), Array(4).fill("DryRun"))
      assert.deepStrictEqual(sent, [])
      assert.deepStrictEqual(yield* writes.counts, [])
    })
  )

  it.effect("ends in an error after 4 s, before the lease can be somebody else's", () =>
    Effect.gen(function* () {
      assert.isBelow(Duration.toMillis(Guarded.writeTimeout), marginMillis)
      const { service } = setUp({}, { patch: () => Effect.never })
      const fiber = yield* Effect.forkChild(Effect.flip(service.patch(nodes, { name: "a" }, {})))
      yield* TestClock.adjust("3999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Unreachable")
    })
  )

  it.effect("is ended once it was sent, also when the one who sent it is interrupted", () =>
    Effect.gen(function* () {
      const began = yield* Deferred.make<void>()
      let isDone = false
      const slow = Effect.gen(function* () {
        yield* Deferred.succeed(began, undefined)
        yield* Effect.sleep("2 seconds")
        isDone = true
        return object
      })
      const { service } = setUp({}, { patch: () => slow })
      const fiber = yield* Effect.forkChild(service.patch(nodes, { name: "a" }, {}))
      yield* Deferred.await(began)
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("1 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.join(interruption)
      assert.isTrue(isDone)
      // The interruption holds from then on.
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
    })
  )
})

describe("what owns nothing", () => {
  it.effect("passes always: reads, leases, reviews", () =>
    Effect.gen(function* () {
      const { sent, service, writes } = setUp({ mayWrite: Effect.succeed(false), dryRun: true })
      yield* service.get(nodes, { name: "a" })
      yield* service.update(leases, { name: "l", namespace: "n" }, object)
      yield* service.create(tokenReviews, object)
      yield* service.create(subjectAccessReviews, object)
      assert.deepStrictEqual(sent, [
        "get nodes/a",
        "update leases/l",
        "create tokenreviews",
        "create subjectaccessreviews"
      ])
      assert.deepStrictEqual(yield* writes.counts, [])
    })
  )
})

describe("the layer", () => {
  it.effect("takes the place of the service it guards", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const kubernetes = yield* Kubernetes
        yield* kubernetes.patch(nodes, { name: "a" }, {})
        return yield* (yield* Guarded.Writes).counts
      })
      const counts = yield* Effect.provide(
        program,
        Guarded.layer({ dryRun: false }).pipe(
          Layer.provide(Layer.succeed(Kubernetes, fake({ patch: () => Effect.succeed(object) }))),
          Layer.provide(Leadership.layerAlone)
        )
      )
      assert.deepStrictEqual(counts, [{ verb: "patch", kind: "Node", count: 1 }])
    })
  )
})
