import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Raw } from "../../src/domain/Object.ts"
import {
  externalIPs,
  nodes,
  pods,
  type Resource,
  type Service,
  type WatchEvent
} from "../../src/kubernetes/Kubernetes.ts"
import type { KubernetesError } from "../../src/kubernetes/KubernetesError.ts"
import * as Simulation from "../../src/simulation/Kubernetes.ts"

const make = Simulation.make({ seed: "test", latency: Effect.succeed(Duration.zero) })
const object = (
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  metadata: Readonly<Record<string, unknown>> = {}
): Raw => ({
  apiVersion: "kubestatic.quortex.io/v1alpha1",
  kind: "ExternalIP",
  metadata: { name, ...metadata },
  spec
})
const reason = <A>(effect: Effect.Effect<A, KubernetesError>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason._tag)
const meta = (raw: Raw) =>
  raw.metadata as { readonly resourceVersion: string; readonly generation: number; readonly uid: string }

describe("a write", () => {
  it.effect("creates once: the second is AlreadyExists", () =>
    Effect.gen(function* () {
      const { service } = yield* make
      const made = yield* service.create(externalIPs, object("a"))
      assert.strictEqual(meta(made).generation, 1)
      assert.strictEqual(yield* reason(service.create(externalIPs, object("a"))), "AlreadyExists")
      assert.strictEqual(yield* reason(service.get(externalIPs, { name: "b" })), "NotFound")
    })
  )
  it.effect("with a stale resourceVersion is a Conflict, and changes nothing", () =>
    Effect.gen(function* () {
      const { service } = yield* make
      const made = yield* service.create(externalIPs, object("a"))
      yield* service.patch(externalIPs, { name: "a" }, { spec: { nodeName: "n1" } })
      const stale = { metadata: { resourceVersion: meta(made).resourceVersion }, spec: { nodeName: "n2" } }
      assert.strictEqual(yield* reason(service.patch(externalIPs, { name: "a" }, stale)), "Conflict")
      assert.deepInclude((yield* service.get(externalIPs, { name: "a" })).spec, { nodeName: "n1" })
    })
  )
  it.effect("moves the generation by the spec alone, and status through its subresource alone", () =>
    Effect.gen(function* () {
      const { service } = yield* make
      yield* service.create(externalIPs, object("a"))
      const labelled = yield* service.patch(
        externalIPs,
        { name: "a" },
        { metadata: { labels: { x: "y" } }, status: { state: "Reserved" } }
      )
      assert.strictEqual(meta(labelled).generation, 1)
      assert.isUndefined(labelled.status)
      const said = yield* service.patch(
        externalIPs,
        { name: "a" },
        { status: { state: "Reserved" }, spec: { nodeName: "n" } },
        { subresource: "status" }
      )
      assert.deepInclude(said, { status: { state: "Reserved" } })
      assert.strictEqual(meta(said).generation, 1)
      assert.notProperty(said.spec, "nodeName")
      const changed = yield* service.patch(externalIPs, { name: "a" }, { spec: { nodeName: "n" } })
      assert.strictEqual(meta(changed).generation, 2)
      assert.deepInclude(changed, { status: { state: "Reserved" } })
    })
  )
  it.effect("that changes nothing makes no new version", () =>
    Effect.gen(function* () {
      const { service } = yield* make
      const made = yield* service.create(externalIPs, object("a", { nodeName: "n" }))
      const again = yield* service.patch(externalIPs, { name: "a" }, { spec: { nodeName: "n" } })
      assert.strictEqual(meta(again).resourceVersion, meta(made).resourceVersion)
    })
  )
  it.effect("that the CRD would refuse is Invalid and names the field", () =>
    Effect.gen(function* () {
      const { service } = yield* make
      const error = yield* Effect.flip(service.create(externalIPs, object("a", { nodeName: 7 })))
      assert.strictEqual(error.reason._tag, "Invalid")
      assert.include(error.message, "spec.nodeName")
    })
  )
})

describe("deletion", () => {
  it.effect("waits for the last finalizer, takes no new one, and frees the name for another object", () =>
    Effect.gen(function* () {
      const { cluster, service } = yield* make
      const made = yield* service.create(externalIPs, object("a", {}, { finalizers: ["f/1", "f/2"] }))
      yield* cluster.remove(externalIPs, { name: "a" })
      assert.isDefined((yield* service.get(externalIPs, { name: "a" })).metadata.deletionTimestamp)
      const add = { metadata: { finalizers: ["f/1", "f/2", "f/3"] } }
      assert.strictEqual(yield* reason(service.patch(externalIPs, { name: "a" }, add)), "Invalid")
      yield* service.patch(externalIPs, { name: "a" }, { metadata: { finalizers: ["f/2"] } })
      yield* service.patch(externalIPs, { name: "a" }, { metadata: { finalizers: null } })
      assert.strictEqual(yield* reason(service.get(externalIPs, { name: "a" })), "NotFound")
      const again = yield* service.create(externalIPs, object("a"))
      assert.notStrictEqual(meta(again).uid, meta(made).uid)
    })
  )
})

describe("lists and watches", () => {
  const collect = (service: Service, resource: Resource, resourceVersion: string, labelSelector?: string) => {
    const events: Array<WatchEvent> = []
    const options = {
      resourceVersion,
      timeoutSeconds: 300,
      ...(labelSelector === undefined ? {} : { labelSelector })
    }
    return Effect.map(
      Effect.forkScoped(
        Stream.runForEach(service.watch(resource, options), (event) => Effect.sync(() => events.push(event))),
        { startImmediately: true }
      ),
      (fiber) => ({ events, fiber })
    )
  }
  const told = (events: ReadonlyArray<WatchEvent>) =>
    events.map((e) => (e.type === "BOOKMARK" ? "BOOKMARK" : `${e.type} ${String(e.object.metadata.name)}`))

  it.effect("pages are of one moment, and their token does not outlive the history", () =>
    Effect.gen(function* () {
      const { cluster, service } = yield* make
      for (const name of ["a", "b", "c"]) yield* service.create(externalIPs, object(name))
      const first = yield* service.list(externalIPs, { limit: 2 })
      yield* service.create(externalIPs, object("d"))
      const second = yield* service.list(externalIPs, { limit: 2, continue: first.continue ?? "" })
      assert.deepStrictEqual(
        [...first.items, ...second.items].map((o) => o.metadata.name),
        ["a", "b", "c"]
      )
      assert.strictEqual(second.resourceVersion, first.resourceVersion)
      cluster.compact()
      assert.strictEqual(
        yield* reason(service.list(externalIPs, { limit: 2, continue: first.continue ?? "" })),
        "Expired"
      )
    })
  )
  it.effect("a watch begins where it is told, tells each change, a bookmark a minute, and ends on time", () =>
    Effect.gen(function* () {
      const { cluster, service } = yield* make
      yield* service.create(externalIPs, object("before"))
      const { resourceVersion } = yield* service.list(externalIPs, {})
      yield* service.create(externalIPs, object("a"))
      const { events, fiber } = yield* collect(service, externalIPs, resourceVersion)
      yield* service.patch(externalIPs, { name: "a" }, { spec: { nodeName: "n" } })
      yield* cluster.remove(externalIPs, { name: "a" })
      yield* TestClock.adjust("61 seconds")
      assert.deepStrictEqual(told(events), ["ADDED a", "MODIFIED a", "DELETED a", "BOOKMARK"])
      yield* TestClock.adjust("5 minutes")
      yield* Fiber.join(fiber)
    })
  )
  it.effect("leaving a selection is a deletion for who watches it", () =>
    Effect.gen(function* () {
      const { cluster, service } = yield* make
      const { events } = yield* collect(service, pods, "1", "wanted")
      yield* cluster.create(pods, { metadata: { name: "p", namespace: "default", labels: { wanted: "1" } } })
      yield* cluster.create(pods, { metadata: { name: "q", namespace: "default" } })
      yield* cluster.patch(
        pods,
        { name: "p", namespace: "default" },
        { metadata: { labels: { wanted: null } } }
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(told(events), ["ADDED p", "DELETED p"])
    })
  )
  it.effect("from before the history is Expired, and a closed one ends cleanly", () =>
    Effect.gen(function* () {
      const { cluster, service } = yield* make
      yield* service.create(nodes, { metadata: { name: "n" } })
      const { fiber } = yield* collect(service, nodes, "1")
      cluster.closeWatches()
      yield* Fiber.join(fiber)
      cluster.compact()
      assert.strictEqual(
        yield* reason(Stream.runDrain(service.watch(nodes, { resourceVersion: "1", timeoutSeconds: 1 }))),
        "Expired"
      )
    })
  )
})
