import { assert, describe, it } from "@effect/vitest"
import type { Cause } from "effect"
import { type Duration, Effect, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Raw } from "../../src/domain/Object.ts"
import {
  externalIPs,
  Kubernetes,
  type ListOptions,
  type Service,
  type WatchEvent,
  type WatchOptions
} from "../../src/kubernetes/Kubernetes.ts"
import {
  Expired,
  Forbidden,
  Invalid,
  KubernetesError,
  type Reason,
  ServerFault,
  TooManyRequests,
  Unintelligible,
  Unreachable
} from "../../src/kubernetes/KubernetesError.ts"
import * as Store from "../../src/kubernetes/Store.ts"

interface Thing {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly color: string
}

const raw = (name: string, version: number, color = "red", uid = `uid-${name}`): Raw => ({
  metadata: { name, uid, resourceVersion: String(version) },
  color
})
const decode = (r: Raw): Thing => ({
  name: String(r.metadata.name),
  uid: String(r.metadata.uid),
  resourceVersion: String(r.metadata.resourceVersion),
  color: String(r.color)
})

/** A server whose lists and watches a test plays by hand. */
const makeServer = () => {
  let objects: ReadonlyArray<Raw> = []
  let version = 1
  const lists: Array<ListOptions> = []
  const watches: Array<{
    readonly options: WatchOptions
    readonly queue: Queue.Queue<WatchEvent, KubernetesError | Cause.Done>
  }> = []
  let listFailure: Reason | undefined
  let watchFailure: Reason | undefined
  let failsAfter: Duration.Input = 0
  const failed = (reason: Reason) => new KubernetesError({ operation: "test", reason })
  const service = {
    list: (_resource: unknown, options: ListOptions) =>
      Effect.suspend(() => {
        lists.push(options)
        if (listFailure !== undefined) return Effect.fail(failed(listFailure))
        const start = Number(options.continue ?? 0)
        const end = start + (options.limit ?? objects.length)
        return Effect.succeed({
          items: objects.slice(start, end),
          resourceVersion: String(version),
          continue: end < objects.length ? String(end) : undefined
        })
      }),
    watch: (_resource: unknown, options: WatchOptions) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const queue = yield* Queue.make<WatchEvent, KubernetesError | Cause.Done>()
          watches.push({ options, queue })
          if (watchFailure !== undefined) {
            yield* Effect.sleep(failsAfter)
            return Stream.fail(failed(watchFailure))
          }
          options.onOpen?.()
          return Stream.fromQueue(queue)
        })
      )
  } as unknown as Service
  const current = () => {
    const watch = watches.at(-1)
    assert(watch !== undefined)
    return watch.queue
  }
  return {
    service,
    lists,
    watches,
    holds: (all: ReadonlyArray<Raw>, at: number) => {
      objects = all
      version = at
    },
    failLists: (reason: Reason | undefined) => {
      listFailure = reason
    },
    failWatches: (reason: Reason | undefined, after: Duration.Input = 0) => {
      watchFailure = reason
      failsAfter = after
    },
    send: (...events: ReadonlyArray<WatchEvent>) =>
      Effect.forEach(events, (event) => Queue.offer(current(), event), { discard: true }),
    end: Effect.suspend(() => Queue.end(current())),
    fail: (reason: Reason) => Effect.suspend(() => Queue.fail(current(), failed(reason)))
  }
}

const make = (server: ReturnType<typeof makeServer>) =>
  Store.make<Thing, "color">({
    resource: externalIPs,
    fields: { metadata: true, color: true },
    decode,
    key: (t) => t.name,
    identity: (t) => t,
    isSame: (a, b) => a.uid === b.uid && a.color === b.color,
    indexes: { color: (t) => [t.color] }
  }).pipe(Effect.provideService(Kubernetes, server.service))

const start = Effect.fnUntraced(function* (objects: ReadonlyArray<Raw> = [], version = 10) {
  const server = makeServer()
  server.holds(objects, version)
  const store = yield* make(server)
  const told: Array<string> = []
  store.onChange(({ after, before, key }) => {
    told.push(`${key}: ${before?.color ?? "-"} -> ${after?.color ?? "-"}`)
  })
  yield* Effect.forkScoped(store.run)
  yield* settle
  return { server, store, told }
})

const settle = Effect.gen(function* () {
  for (let i = 0; i < 20; i++) yield* Effect.yieldNow
})
const pass = (duration: Parameters<typeof TestClock.adjust>[0]) =>
  Effect.andThen(TestClock.adjust(duration), settle)
const names = (store: { readonly all: () => Iterable<Thing> }) =>
  [...store.all()].map((t) => t.name).toSorted()
const added = (object: Raw): WatchEvent => ({ type: "ADDED", object })
const modified = (object: Raw): WatchEvent => ({ type: "MODIFIED", object })
const deleted = (object: Raw): WatchEvent => ({ type: "DELETED", object })

describe("the first list", () => {
  it.effect("is read in pages of 500 and watched from its version", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start(
        Array.from({ length: 1200 }, (_, i) => raw(`o${i}`, 5)),
        77
      )
      assert.strictEqual(store.size(), 1200)
      assert.deepStrictEqual(
        server.lists.map((l) => [l.limit, l.continue]),
        [
          [500, undefined],
          [500, "500"],
          [500, "1000"]
        ]
      )
      assert.strictEqual(server.watches[0]?.options.resourceVersion, "77")
      const seconds = server.watches[0]?.options.timeoutSeconds ?? 0
      assert.isTrue(seconds >= 240 && seconds <= 300)
      yield* store.ready
      assert.isTrue(store.isCurrent())
    })
  )
  it.effect("that fails is tried again with back-off, and nothing is half visible meanwhile", () =>
    Effect.gen(function* () {
      const server = makeServer()
      server.failLists(new Unreachable({ message: "down" }))
      const store = yield* Store.make<Thing, never>({
        resource: externalIPs,
        fields: { metadata: true, color: true },
        decode,
        key: (t) => t.name,
        identity: (t) => t,
        isSame: () => false,
        indexes: {}
      }).pipe(Effect.provideService(Kubernetes, server.service))
      yield* Effect.forkScoped(store.run)
      yield* pass("5 minutes")
      const tried = server.lists.length
      assert.isTrue(tried > 5 && tried < 60, `${tried} attempts`)
      assert.isFalse(store.isCurrent())
      server.holds([raw("a", 1)], 9)
      server.failLists(undefined)
      yield* pass("30 seconds")
      assert.strictEqual(store.size(), 1)
    })
  )
})

describe("a mirror", () => {
  it.effect("is ready once a watch goes on from its list, which may be behind", () =>
    Effect.gen(function* () {
      const server = makeServer()
      server.holds([raw("a", 1)], 9)
      server.failWatches(new Unreachable({ message: "down" }))
      const store = yield* make(server)
      yield* Effect.forkScoped(store.run)
      const ready = yield* Effect.forkScoped(store.ready)
      yield* pass("1 second")
      assert.strictEqual(store.size(), 1)
      assert.isUndefined(ready.pollUnsafe())
      server.failWatches(undefined)
      yield* pass("1 minute")
      assert.isDefined(ready.pollUnsafe())
    })
  )
  it.effect("is not while its watch has failed, and is again once another is open", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      yield* store.ready
      server.failWatches(new Unreachable({ message: "down" }))
      yield* server.fail(new Unreachable({ message: "down" }))
      yield* settle
      const again = yield* Effect.forkScoped(store.ready)
      yield* pass("1 second")
      assert.isUndefined(again.pollUnsafe())
      server.failWatches(undefined)
      yield* pass("1 minute")
      assert.isDefined(again.pollUnsafe())
    })
  )
})

describe("heartbeats", () => {
  const lull = 500
  const beat = (version: number) => modified(raw("a", version))

  it.effect("that come often make the next read wait, and what it brings then is all taken at once", () =>
    Effect.gen(function* () {
      const { server, told } = yield* start([raw("a", 5)])
      yield* pass("1 second")
      yield* server.send(beat(11))
      yield* pass("60 millis")
      yield* server.send(beat(12))
      yield* settle
      yield* server.send(beat(13), modified(raw("a", 14, "blue")))
      yield* pass(`${lull - 1} millis`)
      assert.deepStrictEqual(told, ["a: - -> red"])
      yield* pass("1 millis")
      assert.deepStrictEqual(told, ["a: - -> red", "a: red -> blue"])
    })
  )
  it.effect("that come seldom keep nothing waiting", () =>
    Effect.gen(function* () {
      const { server, told } = yield* start([raw("a", 5)])
      for (const version of [11, 12, 13]) {
        yield* pass("1 second")
        yield* server.send(beat(version))
        yield* settle
      }
      yield* server.send(modified(raw("a", 14, "blue")))
      yield* settle
      assert.deepStrictEqual(told, ["a: - -> red", "a: red -> blue"])
    })
  )
  it.effect("keep nothing waiting that comes with them, or right behind", () =>
    Effect.gen(function* () {
      const { server, told } = yield* start([raw("a", 5)])
      yield* pass("1 second")
      yield* server.send(beat(11))
      yield* pass("60 millis")
      yield* server.send(beat(12), modified(raw("a", 13, "blue")))
      yield* settle
      assert.deepStrictEqual(told, ["a: - -> red", "a: red -> blue"])
      yield* server.send(modified(raw("a", 14, "blue")))
      yield* settle
      yield* server.send(modified(raw("a", 15, "green")))
      yield* settle
      assert.deepStrictEqual(told.at(-1), "a: blue -> green")
    })
  )
  it.effect("are not what our own writes echo", () =>
    Effect.gen(function* () {
      const { server, store, told } = yield* start([raw("a", 5)])
      for (const version of [11, 12]) {
        store.accept(raw("a", version, "blue"))
        yield* pass("60 millis")
        yield* server.send(modified(raw("a", version, "blue")))
        yield* settle
      }
      yield* server.send(modified(raw("a", 13, "green")))
      yield* settle
      assert.deepStrictEqual(told.at(-1), "a: blue -> green")
    })
  )
})

describe("after trouble", () => {
  it.effect("a version that has expired is listed anew at once, but not again and again", () =>
    Effect.gen(function* () {
      const { server } = yield* start([raw("a", 1)])
      server.failWatches(new Unreachable({ message: "down" }))
      yield* server.fail(new Unreachable({ message: "down" }))
      yield* pass("2 minutes")
      server.failWatches(new Expired({ message: "too old" }))
      const [lists, watches] = [server.lists.length, server.watches.length]
      while (server.watches.length === watches) yield* pass("1 second")
      assert.strictEqual(server.lists.length, lists + 1)
      yield* pass("2 minutes")
      assert.isBelow(server.lists.length, lists + 12)
    })
  )
})

describe("a watch that fails where it is to go on", () => {
  const cannot = [
    new ServerFault({ message: "unable to decode an event from the watch stream", status: 500 }),
    new Invalid({ message: "invalid resource version" }),
    new Unintelligible({ message: "not a watch event" })
  ]
  it.effect.each(cannot)("twice with $_tag is followed by a list, and so again", (reason) =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      server.holds([raw("b", 40)], 50)
      server.failWatches(reason)
      yield* server.fail(reason)
      yield* settle
      assert.deepStrictEqual(names(store), ["a"])
      yield* pass("5 seconds")
      assert.deepStrictEqual(names(store), ["b"])
      server.holds([raw("c", 60)], 70)
      yield* pass("2 minutes")
      assert.deepStrictEqual(names(store), ["c"])
      assert.isBelow(server.lists.length, 8)
    })
  )
  it.effect("is not at fault where the one before it had come there by its events", () =>
    Effect.gen(function* () {
      const { server } = yield* start([raw("a", 5)])
      for (const version of [11, 12, 13]) {
        yield* server.send(modified(raw("a", version)))
        yield* settle
        yield* server.fail(new ServerFault({ message: "etcd", status: 500 }))
        yield* pass("10 seconds")
      }
      assert.strictEqual(server.lists.length, 1)
    })
  )
  const outages = [
    new Unreachable({ message: "down" }),
    new Forbidden({ message: "no" }),
    new TooManyRequests({ message: "slow down", retryAfterMillis: 1_000 })
  ]
  it.effect.each(outages)("with $_tag keeps its version", (reason) =>
    Effect.gen(function* () {
      const { server } = yield* start([raw("a", 5)])
      server.failWatches(reason)
      yield* server.fail(reason)
      yield* pass("10 minutes")
      assert.isAbove(server.watches.length, 10)
      assert.strictEqual(server.lists.length, 1)
    })
  )
  it.effect("by ending at once, again and again, is followed by a list", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      server.holds([raw("b", 40)], 50)
      for (let n = 1; n <= 2; n++) {
        yield* server.end
        yield* settle
        while (server.watches.length === n) yield* pass("100 millis")
      }
      assert.deepStrictEqual(names(store), ["b"])
    })
  )
})

describe("a watch", () => {
  it.effect("brings creations, changes and deletions, and keeps the indexes", () =>
    Effect.gen(function* () {
      const { server, store, told } = yield* start([raw("a", 5)])
      yield* server.send(
        added(raw("b", 11, "blue")),
        modified(raw("a", 12, "blue")),
        deleted(raw("b", 13, "blue"))
      )
      yield* settle
      assert.deepStrictEqual(names(store), ["a"])
      assert.deepStrictEqual(
        store.find("color", "blue").map((t) => t.name),
        ["a"]
      )
      assert.deepStrictEqual(store.find("color", "red"), [])
      assert.deepStrictEqual(told, ["a: - -> red", "b: - -> blue", "a: red -> blue", "b: blue -> -"])
    })
  )
  it.effect("that ends goes on from the last version seen, bookmarks included, without a list", () =>
    Effect.gen(function* () {
      const { server } = yield* start([raw("a", 5)])
      yield* server.send(modified(raw("a", 12)), { type: "BOOKMARK", resourceVersion: "40" })
      yield* settle
      yield* TestClock.adjust("250 seconds")
      yield* server.end
      yield* settle
      assert.strictEqual(server.watches.at(-1)?.options.resourceVersion, "40")
      assert.strictEqual(server.lists.length, 1)
    })
  )
  it.effect("that went silent is opened again from the same version", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      yield* server.fail(new Unreachable({ message: "nothing came for 90 s" }))
      assert.isFalse(store.isCurrent())
      yield* pass("2 seconds")
      // Though nothing has come since.
      assert.isTrue(store.isCurrent())
      assert.strictEqual(server.watches.length, 2)
      assert.strictEqual(server.watches.at(-1)?.options.resourceVersion, "10")
      assert.strictEqual(server.lists.length, 1)
    })
  )
  it.effect("that has expired is followed by a list, which tells what went meanwhile as deletions", () =>
    Effect.gen(function* () {
      const { server, store, told } = yield* start([raw("a", 5), raw("b", 6)])
      told.length = 0
      server.holds([raw("b", 20, "blue"), raw("c", 21)], 30)
      yield* server.fail(new Expired({ message: "too old resource version" }))
      yield* pass("2 seconds")
      assert.deepStrictEqual(names(store), ["b", "c"])
      assert.deepStrictEqual(told.toSorted(), ["a: red -> -", "b: red -> blue", "c: - -> red"])
    })
  )
  it.effect(
    "that fails again and again backs off, and the trouble is forgotten after two quiet minutes",
    () =>
      Effect.gen(function* () {
        const { server } = yield* start([raw("a", 5)])
        server.failWatches(new Unreachable({ message: "refused" }))
        yield* server.fail(new Unreachable({ message: "reset" }))
        yield* pass("5 minutes")
        const tried = server.watches.length
        assert.isTrue(tried > 8 && tried < 60, `${tried} attempts`)
        server.failWatches(undefined)
        yield* pass("30 seconds")
        const open = server.watches.length
        yield* pass("3 minutes")
        yield* server.fail(new Unreachable({ message: "reset" }))
        yield* pass("1 second")
        assert.strictEqual(server.watches.length, open + 1)
      })
  )
  it.effect.each([50, 60, 90, 110])("cut after %i s each time is open again within a second", (seconds) =>
    Effect.gen(function* () {
      const { server } = yield* start([raw("a", 5)])
      for (let n = 2; n < 12; n++) {
        yield* pass(`${seconds} seconds`)
        yield* server.fail(new Unreachable({ message: "reset" }))
        yield* pass("1 second")
        assert.strictEqual(server.watches.length, n)
      }
    })
  )
  it.effect("that is cut takes nothing from the back-off of what comes after", () =>
    Effect.gen(function* () {
      const { server } = yield* start([raw("a", 5)])
      yield* pass("50 seconds")
      server.failWatches(new Unreachable({ message: "refused" }))
      yield* server.fail(new Unreachable({ message: "reset" }))
      yield* pass("5 minutes")
      assert.isBelow(server.watches.length, 30)
    })
  )
  it.effect("that is refused late was not open", () =>
    Effect.gen(function* () {
      const { server } = yield* start([raw("a", 5)])
      server.failWatches(new Unreachable({ message: "refused" }), "20 seconds")
      yield* server.fail(new Unreachable({ message: "reset" }))
      yield* pass("10 minutes")
      assert.isBelow(server.watches.length, 20)
    })
  )
  it.effect("the same event twice, or an older one later, changes nothing", () =>
    Effect.gen(function* () {
      const { server, store, told } = yield* start([raw("a", 5)])
      yield* server.send(
        modified(raw("a", 12, "blue")),
        modified(raw("a", 12, "blue")),
        modified(raw("a", 11, "green"))
      )
      yield* settle
      assert.strictEqual(store.get("a")?.color, "blue")
      assert.deepStrictEqual(told, ["a: - -> red", "a: red -> blue"])
    })
  )
  it.effect("the same name with another UID is a deletion and a creation", () =>
    Effect.gen(function* () {
      const { server, told } = yield* start([raw("a", 5)])
      told.length = 0
      yield* server.send(modified(raw("a", 12, "blue", "other")))
      yield* settle
      assert.deepStrictEqual(told, ["a: red -> -", "a: - -> blue"])
    })
  )
  it.effect("a late event of a deleted object does not bring it back", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      yield* server.send(deleted(raw("a", 15)), modified(raw("a", 14, "blue")))
      yield* settle
      assert.deepStrictEqual(names(store), [])
    })
  )
  it.effect("with a selector brings the same object again once its label is put back", () =>
    Effect.gen(function* () {
      const { server, store, told } = yield* start([raw("a", 5)])
      told.length = 0
      yield* server.send(deleted(raw("a", 15)), added(raw("a", 20)), modified(raw("a", 14, "blue")))
      yield* settle
      assert.deepStrictEqual(told, ["a: red -> -", "a: - -> red"])
      assert.strictEqual(store.get("a")?.resourceVersion, "20")
    })
  )
  it.effect("that missed an object's coming back is put right by a list, unless that is older", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      yield* server.send(deleted(raw("a", 15)), deleted(raw("a", 14)))
      yield* settle
      server.holds([raw("a", 5)], 14)
      yield* server.fail(new Expired({ message: "too old resource version" }))
      yield* settle
      assert.strictEqual(server.lists.length, 2)
      assert.deepStrictEqual(names(store), [])
      server.holds([raw("a", 5)], 30)
      yield* store.refresh
      assert.deepStrictEqual(names(store), ["a"])
    })
  )
  it.effect("that is ahead of a refresh is believed: what went before the first list stays gone", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      server.holds([raw("a", 5), raw("gone", 6)], 9)
      yield* store.refresh
      assert.deepStrictEqual(names(store), ["a"])
      server.holds([raw("a", 5), raw("b", 11)], 11)
      yield* store.refresh
      assert.deepStrictEqual(names(store), ["a", "b"])
    })
  )
  it.effect("what changes nothing that decides is not told", () =>
    Effect.gen(function* () {
      const { server, store, told } = yield* start([raw("a", 5)])
      told.length = 0
      yield* server.send(modified(raw("a", 99, "red")))
      yield* settle
      assert.deepStrictEqual(told, [])
      assert.strictEqual(store.get("a")?.resourceVersion, "99")
    })
  )
})

describe("our own writes", () => {
  it.effect("are seen at once, and older states that come later are passed over", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      store.accept(raw("a", 20, "ours"))
      assert.strictEqual(store.get("a")?.color, "ours")
      yield* server.send(modified(raw("a", 15, "theirs")))
      yield* settle
      assert.strictEqual(store.get("a")?.color, "ours")
    })
  )
  it.effect("are not undone by a list that is older", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      store.accept(raw("b", 50, "ours"))
      store.accept(raw("a", 51, "ours"))
      server.holds([raw("a", 5)], 30)
      yield* server.fail(new Expired({ message: "gone" }))
      yield* pass("2 seconds")
      assert.deepStrictEqual(names(store), ["a", "b"])
      assert.strictEqual(store.get("a")?.color, "ours")
    })
  )
  it.effect("a 404 forgets that object, and not another one of its name", () =>
    Effect.gen(function* () {
      const { store } = yield* start([raw("a", 5)])
      store.forget("a", "another uid")
      assert.deepStrictEqual(names(store), ["a"])
      store.forget("a", "uid-a")
      assert.deepStrictEqual(names(store), [])
    })
  )
  it.effect("a 404 that was not true is taken back by a newer state, and by none that was known", () =>
    Effect.gen(function* () {
      const { server, store } = yield* start([raw("a", 5)])
      store.forget("a", "uid-a")
      yield* server.send(modified(raw("a", 5)))
      yield* settle
      assert.deepStrictEqual(names(store), [])
      yield* server.send(modified(raw("a", 12)))
      yield* settle
      assert.deepStrictEqual(names(store), ["a"])
    })
  )
})
