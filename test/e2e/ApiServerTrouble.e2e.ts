/** The operator while its API server, or the line to it, is in trouble. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Draw from "../Draw.ts"
import type { Audited } from "./world/ApiServer.ts"
import { eventually, missing, there } from "./world/Eventually.ts"
import * as Gateway from "./world/Gateway.ts"
import * as Line from "./world/Line.ts"
import { user } from "./world/OperatorProcess.ts"
import { suite } from "./world/Suite.ts"
import { autoAssign, firewallRule, type World } from "./world/World.ts"

type Of = World["Service"]

const byOperator = (world: Of): ReadonlyArray<Audited> =>
  world.apiServer.audit().filter((e) => e.user.username === user)

/** An operator whose every byte to the API server passes a line. */
const overLine = Effect.fnUntraced(function* (world: Of) {
  const line = yield* Line.make(world.apiServer.port)
  const operator = yield* world.startOperator({ server: `https://127.0.0.1:${line.port}` })
  yield* operator.ready
  return { line, operator }
})

/** An operator whose every request to the API server passes a gateway. */
const throughGateway = Effect.fnUntraced(function* (world: Of) {
  const gateway = yield* Gateway.make(world.apiServer.port)
  const operator = yield* world.startOperator({ server: gateway.url, authority: gateway.authority })
  yield* operator.ready
  return { gateway, operator }
})

/** The operator's lists of a resource since a moment in its audit. */
const listsSince = (world: Of, moment: number, resource: string) =>
  byOperator(world)
    .slice(moment)
    .filter((e) => e.verb === "list" && e.objectRef?.resource === resource)

let made = 0
/** A node that wants an address and a rule. */
const comes = Effect.fnUntraced(function* (world: Of) {
  const name = `trouble-${++made}`
  const launched = yield* world.launchNode(name, { labels: autoAssign })
  yield* world.kubectl.apply(firewallRule(`on-${name}`, { nodeName: name }))
  return { name, ...launched }
})

suite("trouble with the API server", { provokes: [401, 409, 410, 429, 500, 503, 504] }, (scenario) => {
  scenario("killed and started again, it is served as before", (world) =>
    Effect.gen(function* () {
      const { operator } = yield* overLine(world)
      yield* comes(world)
      yield* world.apiServer.kill
      yield* world.apiServer.start()
      yield* comes(world)
      yield* world.matches("both nodes are served", { within: "2 minutes" })
      assert.isTrue(operator.isRunning())
    })
  )

  scenario(
    "a watch whose history was compacted lists again, and what was deleted meanwhile is known",
    (world) =>
      Effect.gen(function* () {
        const { line, operator } = yield* overLine(world)
        const { instanceId, name } = yield* comes(world)
        yield* world.matches("the node is served")
        yield* line.freeze
        yield* world.kubectl.ok(["delete", "node", name])
        yield* world.cloud.terminate(instanceId)
        yield* world.kubectl.ok(["delete", "firewallrule", `on-${name}`, "--wait=false"])
        yield* comes(world)
        // An API server that starts has no history of its own, and etcd has no more either.
        yield* world.apiServer.kill
        yield* world.etcd.compact
        yield* world.apiServer.start()
        const before = byOperator(world).length
        yield* line.thaw
        yield* line.reset
        yield* world.matches("it has caught up", { within: "2 minutes" })
        // The refusal comes as an event of a watch that began well; that lists are made again is its trace.
        assert.isAbove(listsSince(world, before, "nodes").length, 0)
        assert.match(operator.output(), /nodes: the version to watch from has expired, listing again/)
        assert.isTrue(operator.isRunning())
      })
  )

  scenario("connections are reset again and again while there is work", (world) =>
    Effect.gen(function* () {
      const { line, operator } = yield* overLine(world)
      const before = byOperator(world).length
      for (let n = 0; n < 10; n++) {
        if (n % 3 === 0) yield* comes(world)
        yield* line.reset
        yield* Effect.sleep("150 millis")
      }
      yield* world.matches("every node is served", { within: "2 minutes" })
      // A watch goes on where it ended: nothing is listed again for a connection.
      assert.deepStrictEqual(listsSince(world, before, "nodes"), [])
      assert.isTrue(operator.isRunning())
    })
  )

  scenario("connections that stall for a while bring what they owe, and none is given up", (world) =>
    Effect.gen(function* () {
      const { line, operator } = yield* overLine(world)
      const before = byOperator(world).length
      yield* line.freeze
      const { name } = yield* comes(world)
      // The trouble itself: shorter than any time-out, and long enough for everything to be done otherwise.
      yield* Effect.sleep("5 seconds")
      const named = (yield* world.kubectl.list("externalips")).filter((e) => e.spec?.nodeName === name)
      assert.deepStrictEqual(named, [])
      yield* line.thaw
      yield* world.matches("the node is served")
      const since = byOperator(world).slice(before)
      assert.deepStrictEqual(
        since.filter((e) => e.verb === "watch" || e.verb === "list").map((e) => e.requestURI),
        []
      )
      assert.isTrue(operator.isRunning())
    })
  )

  scenario(
    "connections that went silent for ever are given up, and the work goes on over new ones",
    (world) =>
      Effect.gen(function* () {
        const { line, operator } = yield* overLine(world)
        yield* line.forget
        yield* comes(world)
        yield* world.matches("the node is served over new connections", { within: "4 minutes" })
        assert.isTrue(operator.isRunning())
      })
  )

  scenario("an API server that asks to go away costs it no watch", (world) =>
    Effect.gen(function* () {
      yield* world.apiServer.kill
      yield* world.apiServer.start(["--goaway-chance=0.02"])
      const operator = yield* world.startOperator()
      yield* operator.ready
      const before = byOperator(world).length
      for (let n = 0; n < 5; n++) yield* comes(world)
      yield* world.matches("every node is served")
      const ended = byOperator(world)
        .slice(before)
        .filter((e) => e.verb === "watch")
      assert.deepStrictEqual(
        ended.map((e) => e.requestURI),
        []
      )
    })
  )

  scenario("a token that is valid no more is read anew from its file", (world) =>
    Effect.gen(function* () {
      const { gateway, operator } = yield* throughGateway(world)
      // Tokens are bound to the account's UID: of another account of that name they are none.
      yield* world.kubectl.ok([
        "delete",
        "serviceaccount",
        "-n",
        "kubestatic",
        "kubestatic-controller-manager"
      ])
      yield* world.kubectl.ok([
        "create",
        "serviceaccount",
        "-n",
        "kubestatic",
        "kubestatic-controller-manager"
      ])
      const old = world.readToken()
      yield* world.rotateToken
      assert.notStrictEqual(world.readToken(), old)
      // The API server remembers for some seconds whom it let in.
      yield* eventually(
        "the old token is valid no more",
        Effect.map(world.apiServer.status("/api", old), (code) =>
          code === 401 ? there(undefined) : missing(`${code}`)
        )
      )
      // The operator holds it still: its next request is refused, and the file read because of that.
      assert.strictEqual(gateway.answered(401), 0)
      yield* comes(world)
      yield* world.matches("the node is served with the new token")
      assert.isAbove(gateway.answered(401), 0)
      process.stdout.write(`\nrequests that were refused for the old token: ${gateway.answered(401)}\n`)
      assert.isTrue(operator.isRunning())
    })
  )

  scenario("requests are refused with 429 and 5xx, done or not, and all of it is done once", (world) =>
    Effect.gen(function* () {
      const { gateway } = yield* throughGateway(world)
      const draw = Draw.make(7)
      gateway.decide(({ method }) => {
        const n = draw.below(10)
        if (n === 0) return { _tag: "Refuse", status: 429, retryAfter: 1 }
        if (n === 1) return { _tag: "Refuse", status: 503 }
        if (n === 2) return { _tag: "Refuse", status: 500 }
        if (n === 3 && method !== "GET") return { _tag: "FailAfter", status: 504 }
        return { _tag: "Pass" }
      })
      for (let n = 0; n < 5; n++) yield* comes(world)
      yield* world.matches("every node is served all the same", { within: "2 minutes" })
      assert.isAbove(gateway.met().Refuse, 0)
      assert.isAbove(gateway.met().FailAfter, 0)
      gateway.decide(() => ({ _tag: "Pass" }))
      const { addresses, externalIPs } = yield* world.worlds
      assert.strictEqual(addresses.length, externalIPs.length)
      const named = externalIPs.map((e) => e.spec?.nodeName)
      assert.strictEqual(new Set(named).size, named.length)
    })
  )

  scenario("everything there was to do is done, and none of it twice", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.matches("both worlds agree")
      const held = yield* eventually(
        "one address for each node",
        Effect.map(world.worlds, ({ addresses, nodes }) =>
          addresses.length >= nodes.length ? there(addresses.length) : missing(`${addresses.length}`)
        )
      )
      assert.strictEqual(held, (yield* world.worlds).externalIPs.length)
    })
  )
})
