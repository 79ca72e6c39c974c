/** An operator whose surroundings are not as it needs them: it says what is missing, and goes on once it is there. */
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { all as definitions } from "../../src/domain/Crd.ts"
import { root } from "./world/Bundle.ts"
import * as Definitions from "./world/Definitions.ts"
import { namespace } from "./world/OperatorProcess.ts"
import { suite } from "./world/Suite.ts"
import { pass } from "./world/Wire.ts"
import { autoAssign, firewallRule, type World } from "./world/World.ts"

type Of = World["Service"]

const lease = "3a0d74f7.kubestatic.quortex.io"

const define = (world: Of) =>
  Effect.andThen(world.kubectl.apply(...definitions), Definitions.served(world.apiServer))
const undefine = ({ kubectl }: Of) => kubectl.ok(["delete", "crd", "--all", "--wait=true", "--timeout=60s"])

const grant = ({ kubectl }: Of) =>
  kubectl.ok([
    "apply",
    "--server-side",
    "--force-conflicts",
    "-f",
    join(root, "deploy", "manifests", "rbac.yaml")
  ])

/** The role of the operator without its rule for one resource, until `grant`, or the end of the scope. */
const revoke = Effect.fnUntraced(function* (world: Of, resource: string) {
  const { kubectl } = world
  yield* Effect.addFinalizer(() => Effect.orDie(grant(world)))
  const role = yield* kubectl.get("clusterrole", "kubestatic-manager-role")
  const rules = role.rules as ReadonlyArray<{ readonly resources: ReadonlyArray<string> }>
  const less = rules.filter((rule) => !rule.resources.includes(resource))
  assert.isBelow(less.length, rules.length)
  yield* kubectl.ok([
    "patch",
    "clusterrole",
    "kubestatic-manager-role",
    "--type=merge",
    `--patch=${JSON.stringify({ rules: less })}`
  ])
})
let made = 0
/** Something to do, done: that it is in its right mind. */
const serves = Effect.fnUntraced(function* (world: Of) {
  const name = `start-${++made}`
  yield* world.launchNode(name, { labels: autoAssign })
  yield* world.kubectl.apply(firewallRule(`on-${name}`, { nodeName: name }))
  yield* world.matches("it serves a node")
})

suite("an operator that lacks something", { provokes: [403, 404, 429] }, (scenario) => {
  scenario("the definitions of its objects, at its start", (world) =>
    Effect.gen(function* () {
      yield* undefine(world)
      const operator = yield* world.startOperator()
      yield* operator.says("warn", /list externalips: .*is its CustomResourceDefinition installed\?$/)
      yield* operator.says("warn", /list firewallrules: .*is its CustomResourceDefinition installed\?$/)
      assert.isFalse(yield* operator.isReady)
      yield* define(world)
      yield* operator.ready
      yield* serves(world)
    })
  )

  scenario(
    "the definitions of its objects, deleted while it works: what they stood for is given back",
    (world) =>
      Effect.gen(function* () {
        const operator = yield* world.startOperator()
        yield* operator.ready
        yield* serves(world)
        yield* undefine(world)
        assert.deepStrictEqual(yield* world.cloud.addresses, [])
        yield* operator.says("warn", /is its CustomResourceDefinition installed\?/)
        yield* define(world)
        yield* world.matches("every node is served anew", { within: "2 minutes" })
        yield* serves(world)
        assert.isTrue(operator.isRunning())
      })
  )

  scenario("an EC2 that answers", (world) =>
    Effect.gen(function* () {
      world.wire.decide(() => ({ _tag: "Drop" }))
      const operator = yield* world.startOperator()
      yield* operator.says("warn", /^Reading EC2 failed: Describe/)
      assert.isFalse(yield* operator.isReady)
      world.wire.decide(() => pass)
      yield* operator.ready
      yield* serves(world)
    })
  )

  scenario("credentials that EC2 accepts", (world) =>
    Effect.gen(function* () {
      world.wire.decide(() => ({ _tag: "Refuse", status: 401, code: "AuthFailure" }))
      const operator = yield* world.startOperator()
      yield* operator.says("warn", /^Reading EC2 failed: .*AuthFailure/)
      assert.isFalse(yield* operator.isReady)
      world.wire.decide(() => pass)
      yield* operator.ready
    })
  )

  scenario("an API server", (world) =>
    Effect.gen(function* () {
      yield* world.apiServer.kill
      const operator = yield* world.startOperator()
      yield* operator.says("warn", /^The cluster's id cannot be read: .*ECONNREFUSED/)
      yield* world.apiServer.start()
      yield* operator.ready
      yield* serves(world)
    })
  )

  scenario("a right to read", (world) =>
    Effect.gen(function* () {
      yield* revoke(world, "pods")
      const operator = yield* world.startOperator()
      yield* operator.says("warn", /list pods: Forbidden: .*cannot list resource "pods"/)
      assert.isFalse(yield* operator.isReady)
      yield* grant(world)
      yield* operator.ready
      yield* serves(world)
    })
  )

  for (const [resource, said] of [
    ["nodes", /^Node start-\d+: .*cannot patch resource "nodes"/],
    ["externalips/status", /^ExternalIP auto-assigned-\w+: .*cannot patch resource "externalips\/status"/]
  ] as const) {
    scenario(`a right to write ${resource}`, (world) =>
      Effect.gen(function* () {
        const operator = yield* world.startOperator()
        yield* operator.ready
        yield* serves(world)
        yield* revoke(world, resource)
        const name = `start-${++made}`
        yield* world.launchNode(name, { labels: autoAssign })
        yield* operator.says("warn", said)
        yield* grant(world)
        yield* world.matches("what could not be written is", { within: "2 minutes" })
      })
    )
  }

  scenario("a lease it may take", (world) =>
    Effect.gen(function* () {
      const elsewhere = yield* world.startOperator({
        flags: ["--leader-elect", "--leader-election-namespace=default"]
      })
      yield* elsewhere.says("warn", /^lease not taken: .*cannot get resource "leases"/)
      yield* elsewhere.end("SIGTERM")
      yield* elsewhere.says("info", /^Stopped$/)

      const operator = yield* world.startOperator({ flags: ["--leader-elect"] })
      yield* operator.says("info", /^Leading/)
      yield* world.kubectl.ok(["delete", "lease", lease, "-n", namespace])
      yield* serves(world)
      yield* world.kubectl.ok(["wait", "lease", lease, "-n", namespace, "--for=create", "--timeout=60s"])
      // Somebody takes it by force: it ends, as one line of its log says, and is to be started again.
      yield* world.kubectl.ok([
        "patch",
        "lease",
        lease,
        "-n",
        namespace,
        "--type=merge",
        '--patch={"spec":{"holderIdentity":"by-force"}}'
      ])
      assert.strictEqual((yield* operator.exited).code, 1)
      const last = operator.output().trimEnd().split("\n").at(-1) ?? ""
      assert.deepInclude(JSON.parse(last), {
        level: "error",
        msg: `the lease ${lease} is held by by-force`
      })
    })
  )
})
