/** What is read after a write that came out otherwise than was expected. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import * as FirewallRule from "../../src/domain/FirewallRule.ts"
import type { Raw } from "../../src/domain/Object.ts"
import { firewallRules, Kubernetes } from "../../src/kubernetes/Kubernetes.ts"
import {
  type KubernetesError,
  NotFound,
  type Reason,
  Unintelligible
} from "../../src/kubernetes/KubernetesError.ts"
import * as Store from "../../src/kubernetes/Store.ts"
import { Cluster, layer } from "../../src/operator/Cluster.ts"
import { Mirrors } from "../../src/operator/Mirrors.ts"
import { failing, fake } from "../kubernetes/FakeKubernetes.ts"

const rule = (uid: string, resourceVersion: string): Raw => ({
  metadata: { name: "r", uid, resourceVersion }
})
const notFound = new NotFound({ message: "there is no r" })

/** A mirror that knows of rule r, and an API server that refuses each write and answers a read when it is told to. */
const setUp = Effect.fnUntraced(function* (refusal: Reason) {
  const asked = yield* Deferred.make<void>()
  const answer = yield* Deferred.make<Raw, KubernetesError>()
  const kubernetes = fake({
    patch: () => failing(refusal),
    get: () => Effect.andThen(Deferred.succeed(asked, undefined), Deferred.await(answer))
  })
  const mirror = yield* Store.make<FirewallRule.FirewallRule, never>({
    resource: firewallRules,
    fields: FirewallRule.fields,
    decode: (raw) => FirewallRule.decode(raw),
    key: (r) => r.metadata.name,
    identity: (r) => r.metadata,
    isSame: () => false,
    indexes: {}
  }).pipe(Effect.provideService(Kubernetes, kubernetes))
  mirror.accept(rule("one", "5"))
  const mirrors = {
    firewallRules: mirror,
    writing: (
      _kind: unknown,
      _key: unknown,
      _by: unknown,
      write: Effect.Effect<Raw>,
      takeIn: (r: Raw) => unknown
    ) => Effect.map(write, takeIn)
  } as unknown as Mirrors["Service"]
  const { patchFirewallRule } = yield* Effect.provide(
    Cluster,
    Layer.provide(layer, Layer.merge(Layer.succeed(Kubernetes, kubernetes), Layer.succeed(Mirrors, mirrors)))
  )
  const writing = yield* Effect.forkChild(Effect.exit(patchFirewallRule("r", {})))
  yield* Deferred.await(asked)
  return {
    mirror,
    found: (raw: Raw) => Effect.andThen(Deferred.succeed(answer, raw), Fiber.join(writing)),
    failed: (reason: Reason) =>
      Effect.andThen(Deferred.complete(answer, failing(reason)), Fiber.join(writing)),
    uid: () => mirror.get("r")?.metadata.uid
  }
})

describe("after a refused write", () => {
  it.effect("an object that the API does not find is forgotten", () =>
    Effect.gen(function* () {
      const { failed, uid } = yield* setUp(notFound)
      yield* failed(notFound)
      assert.isUndefined(uid())
    })
  )
  it.effect("one that was made under its name while the API was asked is not", () =>
    Effect.gen(function* () {
      const { failed, mirror, uid } = yield* setUp(notFound)
      mirror.accept(rule("two", "9"))
      yield* failed(notFound)
      assert.strictEqual(uid(), "two")
    })
  )
  it.effect("an object is kept for any other answer", () =>
    Effect.gen(function* () {
      const { failed, uid } = yield* setUp(notFound)
      yield* failed(new Unintelligible({ message: "default backend - 404" }))
      assert.strictEqual(uid(), "one")
    })
  )
  it.effect("what is there is known, also where the answer said nothing", () =>
    Effect.gen(function* () {
      const { found, mirror } = yield* setUp(new Unintelligible({ message: "<html>" }))
      yield* found(rule("one", "7"))
      assert.strictEqual(mirror.get("r")?.metadata.resourceVersion, "7")
    })
  )
})
