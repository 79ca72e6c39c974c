/** The live client against a server that speaks the API, and misbehaves in every way a network can. */
import * as net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Fiber, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Raw } from "../../src/domain/Object.ts"
import { Access } from "../../src/kubernetes/Access.ts"
import { events, externalIPs, leases, nodes, type WatchOptions } from "../../src/kubernetes/Kubernetes.ts"
import type { KubernetesError } from "../../src/kubernetes/KubernetesError.ts"
import * as Live from "../../src/kubernetes/Live.ts"
import * as ApiServer from "./ApiServer.ts"

const setUp = Effect.fnUntraced(function* (
  respond: ApiServer.Respond,
  options: { readonly tokens?: ReadonlyArray<string>; readonly prefix?: string } = {}
) {
  const server = yield* ApiServer.start(respond)
  const access = ApiServer.accessTo(new URL(options.prefix ?? "", server.url), options.tokens)
  const kubernetes = yield* Live.make({ requestTimeout: Duration.seconds(10) }).pipe(
    Effect.provideService(Access, access.service)
  )
  return { server, access, kubernetes }
})

const reasonOf = <A>(effect: Effect.Effect<A, KubernetesError>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

/** Lets time pass until the fiber ends; how much passed, in seconds, is the answer. */
const secondsUntilEnd = Effect.fnUntraced(function* (fiber: Fiber.Fiber<unknown, unknown>) {
  const before = yield* Clock.currentTimeMillis
  while (fiber.pollUnsafe() === undefined) {
    yield* TestClock.adjust("1 second")
    yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
  }
  return ((yield* Clock.currentTimeMillis) - before) / 1_000
})

const isClosed = (sockets: ReadonlySet<net.Socket>) =>
  Effect.callback<void>((resume) => {
    const look = () => (sockets.size === 0 ? resume(Effect.void) : void setImmediate(look))
    look()
  })

const node = (name: string, resourceVersion = "1"): Raw => ({
  kind: "Node",
  metadata: { name, resourceVersion }
})
const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`
const watching: WatchOptions = { resourceVersion: "7", timeoutSeconds: 280 }

describe("requests", () => {
  it.effect("lists a page, with Go's null for an empty one and no continuation for an empty string", () =>
    Effect.gen(function* () {
      const { kubernetes, server } = yield* setUp((request, response) =>
        ApiServer.json(
          response,
          200,
          request.url.searchParams.get("continue") === "more"
            ? { metadata: { resourceVersion: "9", continue: "" }, items: null }
            : { metadata: { resourceVersion: "9", continue: "more" }, items: [node("a")] }
        )
      )
      const first = yield* kubernetes.list(nodes, { limit: 1, labelSelector: "a=b,c" })
      assert.deepStrictEqual(first, { items: [node("a")], resourceVersion: "9", continue: "more" })
      const second = yield* kubernetes.list(nodes, { limit: 1, continue: "more" })
      assert.deepStrictEqual(second, { items: [], resourceVersion: "9", continue: undefined })
      assert.deepStrictEqual(
        server.received.map((r) => [r.method, r.url.pathname, Object.fromEntries(r.url.searchParams)]),
        [
          ["GET", "/api/v1/nodes", { labelSelector: "a=b,c", limit: "1" }],
          ["GET", "/api/v1/nodes", { limit: "1", continue: "more" }]
        ]
      )
    })
  )

  it.effect("sends each write with its verb, path and content type, under the gateway's prefix", () =>
    Effect.gen(function* () {
      const { kubernetes, server } = yield* setUp((_, response) => ApiServer.json(response, 200, node("x")), {
        prefix: "/k8s/clusters/c-1/"
      })
      yield* kubernetes.patch(
        externalIPs,
        { name: "a" },
        { status: { state: "é" } },
        { subresource: "status" }
      )
      yield* kubernetes.patch(externalIPs, { name: "a/b" }, {})
      yield* kubernetes.create(events, node("e"), "default")
      yield* kubernetes.update(leases, { name: "l", namespace: "n" }, node("l"))
      yield* kubernetes.get(nodes, { name: "x" })
      const root = "/k8s/clusters/c-1"
      assert.deepStrictEqual(
        server.received.map((r) => [r.method, r.url.pathname, r.headers["content-type"], r.body]),
        [
          [
            "PATCH",
            `${root}/apis/kubestatic.quortex.io/v1alpha1/externalips/a/status`,
            "application/merge-patch+json",
            '{"status":{"state":"é"}}'
          ],
          [
            "PATCH",
            `${root}/apis/kubestatic.quortex.io/v1alpha1/externalips/a%2Fb`,
            "application/merge-patch+json",
            "{}"
          ],
          [
            "POST",
            `${root}/apis/events.k8s.io/v1/namespaces/default/events`,
            "application/json",
            JSON.stringify(node("e"))
          ],
          [
            "PUT",
            `${root}/apis/coordination.k8s.io/v1/namespaces/n/leases/l`,
            "application/json",
            JSON.stringify(node("l"))
          ],
          ["GET", `${root}/api/v1/nodes/x`, undefined, ""]
        ]
      )
    })
  )

  it.effect("uses one connection for requests one after the other", () =>
    Effect.gen(function* () {
      const { kubernetes, server } = yield* setUp((_, response) => ApiServer.json(response, 200, node("x")))
      yield* Effect.repeat(kubernetes.get(nodes, { name: "x" }), { times: 19 })
      assert.strictEqual(server.received.length, 20)
      assert.strictEqual(server.connections(), 1)
    })
  )

  it.effect("goes on over a new connection when the server sends it away", () =>
    Effect.gen(function* () {
      const { kubernetes, server } = yield* setUp((_, response) =>
        ApiServer.json(response, 200, node("x"), { connection: "close" })
      )
      yield* Effect.repeat(kubernetes.get(nodes, { name: "x" }), { times: 4 })
      assert.strictEqual(server.connections(), 5)
    })
  )

  it.effect("opens a new connection when the certificate has changed", () =>
    Effect.gen(function* () {
      const { access, kubernetes, server } = yield* setUp((_, response) =>
        ApiServer.json(response, 200, node("x"))
      )
      const get = kubernetes.get(nodes, { name: "x" })
      yield* get
      access.state.credentials = { ...access.state.credentials, tls: { cert: "rotated" } }
      yield* get
      yield* get
      assert.strictEqual(server.connections(), 2)
    })
  )

  it.effect("sends a request again with a renewed token after a 401, once", () =>
    Effect.gen(function* () {
      const { access, kubernetes, server } = yield* setUp(
        (request, response) =>
          request.headers.authorization === "Bearer second"
            ? ApiServer.json(response, 200, node("x"))
            : ApiServer.json(response, 401, { kind: "Status", code: 401, message: "Unauthorized" }),
        { tokens: ["first", "second", "third"] }
      )
      const patched = yield* kubernetes.patch(nodes, { name: "x" }, { metadata: { labels: {} } })
      assert.deepStrictEqual(patched, node("x"))
      assert.strictEqual(access.state.renewals, 1)
      access.state.credentials = { headers: { authorization: "Bearer revoked" }, tls: {} }
      const reason = yield* reasonOf(kubernetes.get(nodes, { name: "x" }))
      assert.deepStrictEqual([reason._tag, reason.message], ["Forbidden", "Unauthorized"])
      assert.strictEqual(access.state.renewals, 2)
      assert.strictEqual(server.received.length, 4)
    })
  )

  it.effect("names the operation and the reason in an error", () =>
    Effect.gen(function* () {
      const { kubernetes } = yield* setUp((_, response) =>
        ApiServer.json(response, 409, { kind: "Status", reason: "Conflict", message: "it has been modified" })
      )
      const patched = yield* Effect.flip(
        kubernetes.patch(externalIPs, { name: "a" }, {}, { subresource: "status" })
      )
      assert.strictEqual(patched.message, "patch externalips/a/status: Conflict: it has been modified")
      const updated = yield* Effect.flip(kubernetes.update(leases, { name: "l", namespace: "n" }, node("l")))
      assert.strictEqual(updated.operation, "update leases/n/l")
    })
  )

  it.effect("waits as long as a 429 says", () =>
    Effect.gen(function* () {
      const { kubernetes } = yield* setUp((_, response) =>
        ApiServer.json(response, 429, { kind: "Status", message: "slow down" }, { "retry-after": "7" })
      )
      const reason = yield* reasonOf(kubernetes.get(nodes, { name: "x" }))
      assert.deepInclude(reason, { _tag: "TooManyRequests", retryAfterMillis: 7_000 })
    })
  )

  it.effect.each([
    { name: "no JSON", body: "<html>" },
    { name: "half a JSON", body: '{"metadata":' },
    { name: "no object", body: '"text"' },
    { name: "an object without metadata", body: "{}" }
  ])("finds an answer with $name unintelligible", ({ body }) =>
    Effect.gen(function* () {
      const { kubernetes } = yield* setUp((_, response) => void response.writeHead(200).end(body))
      assert.strictEqual((yield* reasonOf(kubernetes.get(nodes, { name: "x" })))._tag, "Unintelligible")
      assert.strictEqual((yield* reasonOf(kubernetes.list(nodes, {})))._tag, "Unintelligible")
    })
  )

  it.effect("gives up on an answer that does not come within 10 s, and closes its connection", () =>
    Effect.gen(function* () {
      const came = yield* Deferred.make<void>()
      const { kubernetes, server } = yield* setUp(() => Deferred.doneUnsafe(came, Effect.void))
      const fiber = yield* Effect.forkChild(reasonOf(kubernetes.get(nodes, { name: "x" })))
      yield* Deferred.await(came)
      assert.strictEqual(yield* secondsUntilEnd(fiber), 10)
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Unreachable")
      yield* isClosed(server.sockets)
    })
  )

  it.effect("gives up on an answer that stops in the middle", () =>
    Effect.gen(function* () {
      const came = yield* Deferred.make<void>()
      const { kubernetes, server } = yield* setUp((_, response) => {
        response.writeHead(200)
        response.write('{"metadata":')
        Deferred.doneUnsafe(came, Effect.void)
      })
      const fiber = yield* Effect.forkChild(reasonOf(kubernetes.get(nodes, { name: "x" })))
      yield* Deferred.await(came)
      assert.strictEqual(yield* secondsUntilEnd(fiber), 10)
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Unreachable")
      yield* isClosed(server.sockets)
    })
  )

  it.effect("is unreachable after a reset, before or inside the answer", () =>
    Effect.gen(function* () {
      const { kubernetes } = yield* setUp((request, response) => {
        if (request.url.pathname.endsWith("/inside")) {
          response.writeHead(200, { "content-length": "100" })
          response.write("{")
        }
        response.socket?.resetAndDestroy()
      })
      assert.strictEqual((yield* reasonOf(kubernetes.get(nodes, { name: "before" })))._tag, "Unreachable")
      assert.strictEqual((yield* reasonOf(kubernetes.get(nodes, { name: "inside" })))._tag, "Unreachable")
    })
  )

  it.effect("is unreachable where nobody listens", () =>
    Effect.gen(function* () {
      const { kubernetes, server } = yield* setUp(() => undefined)
      yield* Effect.callback<void>((resume) => void server.server.close(() => resume(Effect.void)))
      const reason = yield* reasonOf(kubernetes.get(nodes, { name: "x" }))
      assert.strictEqual(reason._tag, "Unreachable")
      assert.include(reason.message, "ECONNREFUSED")
    })
  )

  it.effect("closes the connection of a request that is interrupted", () =>
    Effect.gen(function* () {
      const came = yield* Deferred.make<void>()
      const { kubernetes, server } = yield* setUp(() => Deferred.doneUnsafe(came, Effect.void))
      const fiber = yield* Effect.forkChild(kubernetes.get(nodes, { name: "x" }))
      yield* Deferred.await(came)
      yield* Fiber.interrupt(fiber)
      yield* isClosed(server.sockets)
    })
  )
})

describe("watches", () => {
  it.effect("tells events and bookmarks however the bytes are cut, and ends as the server ends", () =>
    Effect.gen(function* () {
      const body = Buffer.from(
        line("ADDED", node("é", "8")) +
          line("MODIFIED", node("é", "9")) +
          line("BOOKMARK", { metadata: { resourceVersion: "12" } }) +
          line("DELETED", node("é", "13"))
      )
      const { kubernetes, server } = yield* setUp((_, response) => {
        response.writeHead(200)
        const write = (at: number): void => {
          if (at >= body.length) return void response.end()
          response.write(body.subarray(at, at + 11), () => setImmediate(() => write(at + 11)))
        }
        write(0)
      })
      const told = yield* Stream.runCollect(
        kubernetes.watch(leases, { ...watching, namespace: "n", fieldSelector: "metadata.name=l" })
      )
      assert.deepStrictEqual(
        [...told],
        [
          { type: "ADDED", object: node("é", "8") },
          { type: "MODIFIED", object: node("é", "9") },
          { type: "BOOKMARK", resourceVersion: "12" },
          { type: "DELETED", object: node("é", "13") }
        ]
      )
      assert.strictEqual(server.received[0]?.url.pathname, "/apis/coordination.k8s.io/v1/namespaces/n/leases")
      assert.deepStrictEqual(Object.fromEntries(server.received[0]?.url.searchParams ?? []), {
        watch: "true",
        allowWatchBookmarks: "true",
        fieldSelector: "metadata.name=l",
        resourceVersion: "7",
        timeoutSeconds: "280"
      })
    })
  )

  it.effect("has expired after a 410, as an answer and as an event", () =>
    Effect.gen(function* () {
      const gone = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" }
      const { kubernetes } = yield* setUp((request, response) =>
        request.url.searchParams.get("resourceVersion") === "1"
          ? ApiServer.json(response, 410, gone)
          : void response.end(line("ADDED", node("a")) + line("ERROR", gone))
      )
      const answered = yield* reasonOf(
        Stream.runDrain(kubernetes.watch(nodes, { ...watching, resourceVersion: "1" }))
      )
      assert.strictEqual(answered._tag, "Expired")
      const told: Array<string> = []
      const inside = yield* reasonOf(
        Stream.runForEach(kubernetes.watch(nodes, watching), (e) => Effect.sync(() => told.push(e.type)))
      )
      assert.deepStrictEqual([inside._tag, told], ["Expired", ["ADDED"]])
    })
  )

  it.effect("is unreachable when the connection breaks in the middle, after telling what had come", () =>
    Effect.gen(function* () {
      const { kubernetes } = yield* setUp((_, response) => {
        response.writeHead(200)
        response.write(`${line("ADDED", node("a"))}{"type":`, () =>
          setImmediate(() => response.socket?.resetAndDestroy())
        )
      })
      const told: Array<string> = []
      const reason = yield* reasonOf(
        Stream.runForEach(kubernetes.watch(nodes, watching), (e) => Effect.sync(() => told.push(e.type)))
      )
      assert.deepStrictEqual([reason._tag, told], ["Unreachable", ["ADDED"]])
    })
  )

  it.effect("is taken as half-open after 90 s of silence, counted from the last byte, and closed", () =>
    Effect.gen(function* () {
      const replies = yield* Queue.unbounded<(text: string) => void>()
      const { kubernetes, server } = yield* setUp((_, response) => {
        response.writeHead(200)
        response.flushHeaders()
        Queue.offerUnsafe(replies, (text) => void response.write(text))
      })
      const told = yield* Queue.unbounded<string>()
      const fiber = yield* Effect.forkChild(
        reasonOf(
          Stream.runForEach(kubernetes.watch(nodes, watching), (event) => Queue.offer(told, event.type))
        )
      )
      const reply = yield* Queue.take(replies)
      reply(line("ADDED", node("a")))
      yield* Queue.take(told)
      yield* TestClock.adjust("60 seconds")
      reply(line("BOOKMARK", { metadata: { resourceVersion: "9" } }))
      yield* Queue.take(told)
      assert.isAtLeast(yield* secondsUntilEnd(fiber), 90)
      const reason = yield* Fiber.join(fiber)
      assert.strictEqual(reason._tag, "Unreachable")
      assert.include(reason.message, "nothing for 1m 30s")
      yield* isClosed(server.sockets)
    })
  )

  it.effect("gives up where no headers come within 30 s", () =>
    Effect.gen(function* () {
      const came = yield* Deferred.make<void>()
      const { kubernetes, server } = yield* setUp(() => Deferred.doneUnsafe(came, Effect.void))
      const fiber = yield* Effect.forkChild(reasonOf(Stream.runDrain(kubernetes.watch(nodes, watching))))
      yield* Deferred.await(came)
      assert.isAtMost(yield* secondsUntilEnd(fiber), 31)
      assert.strictEqual((yield* Fiber.join(fiber)).message, "no answer within 30s")
      yield* isClosed(server.sockets)
    })
  )

  it.effect("gives up where TLS is not answered within 10 s", () =>
    Effect.gen(function* () {
      const came = yield* Deferred.make<void>()
      const silent = net.createServer(() => Deferred.doneUnsafe(came, Effect.void))
      const port = yield* Effect.callback<number>((resume) => {
        silent.listen(0, "127.0.0.1", () =>
          resume(Effect.succeed((silent.address() as net.AddressInfo).port))
        )
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => silent.close()))
      const { service } = ApiServer.accessTo(new URL(`https://127.0.0.1:${port}`))
      const kubernetes = yield* Live.make({ requestTimeout: Duration.seconds(10) }).pipe(
        Effect.provideService(Access, service)
      )
      const fiber = yield* Effect.forkChild(reasonOf(Stream.runDrain(kubernetes.watch(nodes, watching))))
      yield* Deferred.await(came)
      assert.isAtMost(yield* secondsUntilEnd(fiber), 11)
      assert.strictEqual((yield* Fiber.join(fiber)).message, "no connection within 10s")
    })
  )

  it.effect("closes its connection when it is interrupted, and when enough was taken", () =>
    Effect.gen(function* () {
      const { kubernetes, server } = yield* setUp((_, response) => {
        response.writeHead(200)
        response.write(line("ADDED", node("a")))
      })
      yield* Stream.runDrain(Stream.take(kubernetes.watch(nodes, watching), 1))
      yield* isClosed(server.sockets)
      const began = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(kubernetes.watch(nodes, watching), () => Deferred.succeed(began, undefined))
      )
      yield* Deferred.await(began)
      yield* Fiber.interrupt(fiber)
      yield* isClosed(server.sockets)
    })
  )
})
