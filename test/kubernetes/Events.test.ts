/** Events are told when it is possible, folded when they repeat, and never in anybody's way. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { Raw } from "../../src/domain/Object.ts"
import * as EventObject from "../../src/kubernetes/EventObject.ts"
import * as Events from "../../src/kubernetes/Events.ts"
import {
  events,
  Kubernetes,
  type ObjectRef,
  type Resource,
  type Service
} from "../../src/kubernetes/Kubernetes.ts"
import {
  AlreadyExists,
  Forbidden,
  type KubernetesError,
  NotFound,
  Unreachable
} from "../../src/kubernetes/KubernetesError.ts"
import { failing, fake } from "./FakeKubernetes.ts"

const publication = (o: Partial<EventObject.Publication> = {}): EventObject.Publication => ({
  regarding: { kind: "ExternalIP", name: "a", uid: "uid-a" },
  type: "Warning",
  reason: "NoPublicInterface",
  action: "Associate",
  note: "no interface of i-1 has a public IP",
  ...o
})

interface Sent {
  readonly verb: "create" | "patch"
  readonly name: string
  readonly body: Readonly<Record<string, unknown>>
}

/** A server that takes events, after what `answers` says of the first ones. */
const setUp = Effect.fnUntraced(function* (
  ...answers: ReadonlyArray<Effect.Effect<never, KubernetesError> | "Ok">
) {
  const sent: Array<Sent> = []
  const left = [...answers]
  const answer = (one: Sent): Effect.Effect<Raw, KubernetesError> =>
    Effect.suspend(() => {
      sent.push(one)
      const next = left.shift() ?? "Ok"
      return next === "Ok" ? Effect.succeed({ metadata: {} }) : next
    })
  const check = (r: Resource, namespace: string | undefined) => {
    assert.strictEqual(r, events)
    assert.strictEqual(namespace, "default")
  }
  const service: Service = fake({
    create: (r, object, namespace) => {
      check(r, namespace)
      return answer({ verb: "create", name: String(object.metadata.name), body: object })
    },
    patch: (r, ref: ObjectRef, body) => {
      check(r, ref.namespace)
      return answer({ verb: "patch", name: ref.name, body })
    }
  })
  const teller = yield* Effect.provideService(Events.make("host-1"), Kubernetes, service)
  const told = Effect.fnUntraced(function* (p: EventObject.Publication = publication()) {
    yield* teller.publish(p)
    yield* TestClock.adjust(0)
  })
  return { sent, teller, told }
})

const line = ({ verb, body }: Sent) =>
  verb === "create" ? "create" : `patch ${(body.series as { readonly count: number }).count}`

describe("an event", () => {
  it.effect("says what, why, about whom and by whom, as the API wants it", () =>
    Effect.gen(function* () {
      const { sent, told } = yield* setUp()
      yield* TestClock.setTime(Date.UTC(2024, 0, 1))
      yield* told()
      const [first] = sent
      assert.match(first?.name ?? "", /^a\.[0-9a-f]{11,24}$/)
      assert.deepStrictEqual(first?.body, {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { name: first?.name, namespace: "default" },
        eventTime: "2024-01-01T00:00:00.000000Z",
        type: "Warning",
        reason: "NoPublicInterface",
        action: "Associate",
        note: "no interface of i-1 has a public IP",
        regarding: {
          apiVersion: "kubestatic.quortex.io/v1alpha1",
          kind: "ExternalIP",
          name: "a",
          uid: "uid-a"
        },
        reportingController: "kubestatic.quortex.io/controller",
        reportingInstance: "host-1"
      })
    })
  )

  it.effect.prop("has a note of at most 1 KiB, cut between characters", [Schema.String], ([text]) =>
    Effect.sync(() => {
      const note = `${text.toWellFormed()}€é😀`.repeat(200)
      const cut = EventObject.cut(note)
      assert.isAtMost(Buffer.byteLength(cut), 1024)
      assert.isAbove(Buffer.byteLength(cut), 1015)
      assert.isTrue(note.startsWith(cut.slice(0, -1)))
      assert.strictEqual(EventObject.cut(text.slice(0, 100)), text.slice(0, 100))
    })
  )

  it("has a name even where its object's is as long as names may be", () => {
    const name = EventObject.nameOf(
      { kind: "Node", name: `${"a".repeat(236)}.-${"b".repeat(15)}`, uid: "" },
      "0123456789abcdef"
    )
    assert.strictEqual(name, `${"a".repeat(236)}.0123456789abcdef`)
  })
})

describe("a repeat", () => {
  it.effect("within 6 min becomes a series of the same event", () =>
    Effect.gen(function* () {
      const { sent, told } = yield* setUp()
      yield* TestClock.setTime(Date.UTC(2024, 0, 1))
      yield* told()
      yield* TestClock.adjust("5 minutes")
      yield* told()
      yield* TestClock.adjust("5 minutes")
      yield* told()
      assert.deepStrictEqual(sent.map(line), ["create", "patch 2", "patch 3"])
      assert.strictEqual(new Set(sent.map((s) => s.name)).size, 1)
      assert.deepStrictEqual(sent[2]?.body, {
        series: { count: 3, lastObservedTime: "2024-01-01T00:10:00.000000Z" }
      })
    })
  )

  it.effect("after 6 min is a new event", () =>
    Effect.gen(function* () {
      const { sent, told } = yield* setUp()
      yield* told()
      yield* TestClock.adjust("6 minutes")
      yield* told()
      assert.deepStrictEqual(sent.map(line), ["create", "create"])
      assert.strictEqual(new Set(sent.map((s) => s.name)).size, 2)
    })
  )

  it.effect.each([
    { name: "note", other: { note: "another" } },
    { name: "reason", other: { reason: "Throttled" } as const },
    { name: "object", other: { regarding: { kind: "ExternalIP", name: "a", uid: "uid-b" } as const } }
  ])("with another $name is no repeat", ({ other }) =>
    Effect.gen(function* () {
      const { sent, told } = yield* setUp()
      yield* told()
      yield* told(publication(other))
      assert.deepStrictEqual(sent.map(line), ["create", "create"])
    })
  )

  it.effect("of an event that is gone by now is a new event", () =>
    Effect.gen(function* () {
      const { sent, told } = yield* setUp("Ok", failing(new NotFound({ message: "" })))
      yield* told()
      yield* told()
      yield* told()
      assert.deepStrictEqual(sent.map(line), ["create", "patch 2", "create", "patch 2"])
      assert.strictEqual(sent[2]?.name, sent[3]?.name)
      assert.notStrictEqual(sent[1]?.name, sent[2]?.name)
    })
  )
})

describe("a storm", () => {
  it.effect("about one object is told 25 times, then once in 5 min, with all of it counted", () =>
    Effect.gen(function* () {
      const { sent, told } = yield* setUp()
      yield* Effect.repeat(told(), { times: 39 })
      assert.strictEqual(sent.length, 25)
      yield* TestClock.adjust("5 minutes")
      yield* Effect.repeat(told(), { times: 3 })
      assert.strictEqual(sent.length, 26)
      assert.strictEqual(sent.map(line).at(-1), "patch 41")
    })
  )

  it.effect("about one object leaves the others alone", () =>
    Effect.gen(function* () {
      const { sent, told } = yield* setUp()
      yield* Effect.forEach(
        Array.from({ length: 40 }, (_, i) => i),
        (i) => told(publication({ note: `${i}` }))
      )
      assert.strictEqual(sent.length, 25)
      yield* told(publication({ regarding: { kind: "Node", name: "n", uid: "u" } }))
      assert.strictEqual(sent.length, 26)
    })
  )
})

describe("telling", () => {
  it.effect("waits for nobody while the server is silent, and forgets the oldest beyond 1,000", () =>
    Effect.gen(function* () {
      const silence = yield* Deferred.make<never, KubernetesError>()
      const { sent, teller, told } = yield* setUp(Deferred.await(silence))
      const about = (i: number) => publication({ regarding: { kind: "Node", name: `n${i}`, uid: `${i}` } })
      yield* told(about(0))
      for (let i = 1; i < 3_000; i++) yield* teller.publish(about(i))
      assert.strictEqual(sent.length, 1)
      yield* Deferred.failCause(silence, Cause.die("the end of the silence"))
      while (sent.at(-1)?.name.startsWith("n2999.") !== true) yield* Effect.yieldNow
      assert.strictEqual(sent.length, 1_001)
      const names = sent.map(({ name }) => name.split(".")[0])
      assert.deepStrictEqual([names[0], names[1], names.at(-1)], ["n0", "n2000", "n2999"])
    })
  )

  it.effect("tries again what failed in passing, under the same name", () =>
    Effect.gen(function* () {
      const unreachable = failing(new Unreachable({ message: "reset" }))
      const taken = failing(new AlreadyExists({ message: "" }))
      const { sent, told } = yield* setUp(unreachable, unreachable, taken)
      yield* told()
      yield* TestClock.adjust("10 seconds")
      yield* told()
      assert.deepStrictEqual(sent.map(line), ["create", "create", "create", "patch 2"])
      assert.strictEqual(new Set(sent.map((s) => s.name)).size, 1)
    })
  )

  it.effect("gives up in silence where it is refused, and goes on with the next", () =>
    Effect.gen(function* () {
      const { sent, told } = yield* setUp(failing(new Forbidden({ message: "" })), Effect.die("a defect"))
      yield* told()
      yield* told(publication({ note: "second" }))
      yield* told(publication({ note: "third" }))
      yield* told()
      assert.deepStrictEqual(sent.map(line), ["create", "create", "create", "create"])
    })
  )

  it.effect("ends with its scope", () =>
    Effect.gen(function* () {
      const sent: Array<Raw> = []
      const service = fake({
        create: (_, object) =>
          Effect.sync(() => {
            sent.push(object)
            return object
          })
      })
      const publish = yield* Effect.scoped(
        Effect.gen(function* () {
          const context = yield* Layer.build(Layer.provide(Events.layer, Layer.succeed(Kubernetes, service)))
          const teller = yield* Effect.provide(Events.Events, context)
          yield* teller.publish(publication())
          yield* TestClock.adjust(0)
          return teller.publish
        })
      )
      yield* publish(publication({ note: "late" }))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(sent.length, 1)
    })
  )
})
