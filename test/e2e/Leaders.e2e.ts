/** Two operators and one lease. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { eventually, missing, there } from "./world/Eventually.ts"
import * as Gateway from "./world/Gateway.ts"
import type { OperatorProcess, Options } from "./world/OperatorProcess.ts"
import { suite } from "./world/Suite.ts"
import { type Fate, pass } from "./world/Wire.ts"
import { externalIP, type World } from "./world/World.ts"

type Of = World["Service"]

const lease = "3a0d74f7.kubestatic.quortex.io"

/** One that contends; it signs its EC2 calls with its name. */
const contender = (world: Of, name: string, o: Partial<Options> = {}) =>
  world.startOperator({ ...o, flags: ["--leader-elect"], env: { AWS_ACCESS_KEY_ID: name } })

const isLeading = (operator: OperatorProcess) =>
  eventually(
    "it leads",
    Effect.map(operator.metric("kubestatic_leader"), (n) => (n === 1 ? there(undefined) : missing(`${n}`)))
  )

interface LeaseSpec {
  readonly holderIdentity?: string
  /** RFC 3339 with microseconds. */
  readonly acquireTime: string
}
const leaseOf = (world: Of) =>
  Effect.map(
    world.kubectl.ok(["get", "lease", lease, "-n", "kubestatic", "-o", "json"]),
    (text) => (JSON.parse(text) as { readonly spec: LeaseSpec }).spec
  )

const isAttached = (world: Of, name: string) =>
  world.kubectl.ok(["wait", `externalip/${name}`, "--for=condition=Ready", "--timeout=60s"])

/** Everything one of them asked EC2 to change. */
const mutationsOf = (world: Of, caller: string) => world.wire.mutations().filter((c) => c.caller === caller)

/** Two of them, the first leading. */
const pair = Effect.fnUntraced(function* (world: Of, o: Partial<Options> = {}) {
  const first = yield* contender(world, "first", o)
  yield* isLeading(first)
  const second = yield* contender(world, "second")
  yield* second.ready
  assert.strictEqual(yield* second.metric("kubestatic_leader"), 0)
  return { first, second }
})

suite("leaders", {}, (scenario) => {
  scenario("a leader that is told to stop hands over at once, and ends well", (world) =>
    Effect.gen(function* () {
      const { first, second } = yield* pair(world)
      yield* world.kubectl.apply(externalIP("before-handover"))
      yield* isAttached(world, "before-handover")
      const ended = yield* first.end("SIGTERM")
      assert.strictEqual(ended.code, 0)
      yield* isLeading(second)
      yield* world.kubectl.apply(externalIP("after-handover"))
      yield* isAttached(world, "after-handover")
      assert.sameMembers(
        mutationsOf(world, "second").map((c) => c.action),
        ["AllocateAddress"]
      )
      yield* world.matches("one address for each object")
    })
  )

  scenario("a leader that is killed is followed once its lease has run out", (world) =>
    Effect.gen(function* () {
      const { first, second } = yield* pair(world)
      const { holderIdentity } = yield* leaseOf(world)
      yield* first.end("SIGKILL")
      yield* isLeading(second)
      assert.notStrictEqual((yield* leaseOf(world)).holderIdentity, holderIdentity)
      yield* world.matches("all is as it was")
    })
  )

  scenario("a leader paused right before it writes to EC2 never writes once another one leads", (world) =>
    Effect.gen(function* () {
      const gateway = yield* Gateway.make(world.apiServer.port)
      const { first, second } = yield* pair(world, { server: gateway.url, authority: gateway.authority })
      // The intent to allocate is the last thing written before AllocateAddress is sent: it is paused while it waits
      // for the answer to that.
      let paused = false
      gateway.decide(({ method, path }) => {
        if (!paused && method === "PATCH" && path.includes("/externalips/paused/status")) {
          paused = true
          process.kill(first.pid, "SIGSTOP")
        }
        return { _tag: "Pass" }
      })
      yield* world.kubectl.apply(externalIP("paused"))
      yield* isLeading(second)
      assert.isTrue(paused)
      const began = Date.parse((yield* leaseOf(world)).acquireTime)
      yield* first.signal("SIGCONT")
      const ended = yield* first.exited
      assert.notStrictEqual(ended.code, 0)
      assert.match(first.output(), /lease/i)
      const late = mutationsOf(world, "first").filter((c) => c.sentAt >= began)
      assert.deepStrictEqual(late, [])
      process.stdout.write(
        `\nthe paused leader ended with code ${ended.code} and sent no write to EC2 after the other one's lease began\n`
      )
      // The second one cannot know that nothing was sent: it waits for the visibility window.
      yield* world.matches("the address was allocated once", { within: "4 minutes" })
      assert.deepStrictEqual(
        (yield* world.cloud.addresses).filter(
          (a) => a.tags["kubestatic.quortex.io/external-ip-name"] === "paused"
        ).length,
        1
      )
    })
  )

  scenario(
    "a write that was under way when its leader was paused is harmless however late it arrives",
    (world) =>
      Effect.gen(function* () {
        const { first, second } = yield* pair(world)
        let release = () => {}
        const until = new Promise<void>((resolve) => {
          release = resolve
        })
        let held = 0
        world.wire.decide(({ action, caller }): Fate => {
          if (action !== "AllocateAddress" || caller !== "first" || held > 0) return pass
          held += 1
          process.kill(first.pid, "SIGSTOP")
          return { _tag: "Hold", until }
        })
        yield* world.kubectl.apply(externalIP("under-way"))
        yield* isLeading(second)
        assert.strictEqual(held, 1)
        // It reaches EC2 only now, with another leader in office.
        release()
        yield* first.signal("SIGCONT")
        const ended = yield* first.exited
        assert.notStrictEqual(ended.code, 0)
        yield* world.matches("the address that came late is the one that is used", { within: "4 minutes" })
        world.wire.decide(() => pass)
        const sent = world.wire.mutations().filter((c) => c.action === "AllocateAddress" && c.fate === "Hold")
        assert.strictEqual(sent.length, 1)
        assert.strictEqual(world.wire.answer(sent[0] ?? assert.fail())?.status, 200)
        const mine = (yield* world.cloud.addresses).filter(
          (a) => a.tags["kubestatic.quortex.io/external-ip-name"] === "under-way"
        )
        assert.strictEqual(mine.length, 1)
        assert.strictEqual(
          mine[0]?.allocationId,
          (yield* world.kubectl.get("externalip", "under-way")).status?.addressID
        )
        process.stdout.write(
          "\nthe late AllocateAddress of the paused leader was done by EC2 and taken over by the other one: harmless\n"
        )
      })
  )
})
