/**
 * A server's beginning and end.
 */
import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Scope } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import * as Server from "../../src/http/Server.ts"
import { send } from "./Client.ts"

const local = { host: "127.0.0.1", port: 0 }
const hello = HttpRouter.route("GET", "/hello", HttpServerResponse.text("hello"))

describe("Server", () => {
  it.effect("serves its routes and nothing else", () =>
    Effect.gen(function* () {
      const { port } = yield* Server.serve({ flag: "x", bind: local, routes: [hello] })
      const found = yield* send({ port, path: "/hello" })
      assert.deepStrictEqual([found.status, found.body], [200, "hello"])
      assert.strictEqual((yield* send({ port, path: "/other" })).status, 404)
    })
  )

  it.effect("two servers do not share routes", () =>
    Effect.gen(function* () {
      const first = yield* Server.serve({ flag: "x", bind: local, routes: [hello] })
      const second = yield* Server.serve({ flag: "y", bind: local, routes: [] })
      assert.notStrictEqual(first.port, second.port)
      assert.strictEqual((yield* send({ port: second.port, path: "/hello" })).status, 404)
    })
  )

  it.effect("a port in use is one line that names the flag and the address", () =>
    Effect.gen(function* () {
      const { port } = yield* Server.serve({ flag: "x", bind: local, routes: [] })
      const error = yield* Effect.flip(
        Server.serve({ flag: "metrics-bind-address", bind: { ...local, port }, routes: [] })
      )
      assert.strictEqual(error._tag, "ListenError")
      assert.strictEqual(
        error.message,
        `--metrics-bind-address: cannot listen on 127.0.0.1:${port}: the address is in use`
      )
    })
  )

  it.effect("an address of another machine is one line too", () =>
    Effect.gen(function* () {
      // 192.0.2.0/24 is kept for documentation (RFC 5737): nobody has it.
      const error = yield* Effect.flip(
        Server.serve({ flag: "x", bind: { host: "192.0.2.1", port: 0 }, routes: [] })
      )
      assert.strictEqual(error.message, "--x: cannot listen on 192.0.2.1:0: this machine has no such address")
    })
  )

  it.effect("its port is free once its scope is closed", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(Server.serve({ flag: "x", bind: local, routes: [hello] }))
      const again = yield* Server.serve({ flag: "x", bind: { ...local, port }, routes: [hello] })
      assert.strictEqual(again.port, port)
    })
  )

  it.effect("closing waits for no client, neither a slow one nor one that is being answered", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const stuck = HttpRouter.route(
        "GET",
        "/stuck",
        Effect.andThen(Deferred.succeed(asked, undefined), Effect.never)
      )
      const scope = yield* Scope.make()
      const { port } = yield* Server.serve({ flag: "x", bind: local, routes: [stuck] }).pipe(
        Scope.provide(scope)
      )
      const gone = yield* Deferred.make<void>()
      const slow = Net.connect(port, "127.0.0.1", () => slow.write("GET /stuck HTTP/1.1\r\nHost:"))
      slow.on("error", () => undefined)
      slow.on("close", () => Effect.runSync(Deferred.succeed(gone, undefined)))
      yield* Effect.forkChild(Effect.exit(send({ port, path: "/stuck" })))
      yield* Deferred.await(asked)
      yield* Scope.close(scope, Exit.void)
      yield* Deferred.await(gone)
    })
  )
})
