/** The operator while EC2, or the wire to it, is in trouble. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Draw from "./world/Draw.ts"
import { eventually, missing, there } from "./world/Eventually.ts"
import { suite } from "./world/Suite.ts"
import { type Call, type Fate, isMutation, pass } from "./world/Wire.ts"
import { autoAssign, externalIP, firewallRule, type World } from "./world/World.ts"

type Of = World["Service"]
type Sent = Omit<Call, "fate">

let made = 0
/** A node that wants an address and a rule each way. */
const comes = Effect.fnUntraced(function* (world: Of) {
  const name = `ec2-${++made}`
  const launched = yield* world.launchNode(name, { labels: autoAssign })
  yield* world.kubectl.apply(
    firewallRule(`in-${name}`, { nodeName: name }),
    firewallRule(`out-${name}`, { nodeName: name, direction: "Egress" })
  )
  return { name, ...launched }
})
/** First what is asked for on the node, then the node: what is taken off a living node is taken off in EC2. */
const goes = Effect.fnUntraced(function* (
  world: Of,
  { instanceId, name }: { readonly name: string; readonly instanceId: string }
) {
  yield* world.kubectl.ok(["label", "node", name, "kubestatic.quortex.io/externalip-auto-assign-"])
  const mine = (yield* world.kubectl.list("externalips")).find((e) => e.spec?.nodeName === name)
  yield* world.kubectl.ok(["delete", "externalip", String(mine?.metadata.name), "--timeout=150s"])
  yield* world.kubectl.ok(["delete", "firewallrule", `in-${name}`, `out-${name}`, "--timeout=150s"])
  yield* world.kubectl.ok(["delete", "node", name])
  yield* world.cloud.terminate(instanceId)
})

/** The whole way up and down again, so that every mutation is sent. */
const everything = Effect.fnUntraced(function* (world: Of, within: string) {
  const node = yield* comes(world)
  yield* world.matches("the node is served", { within: within as "1 minute" })
  yield* goes(world, node)
  yield* world.matches("nothing of it is left", { within: within as "1 minute" })
})

/** That fate for the first call of each mutating action, then none. */
const firstOfEach = (fate: Fate, except: ReadonlyArray<string> = []) => {
  const met = new Set<string>()
  return {
    met,
    decide: ({ action }: Sent): Fate => {
      if (!isMutation(action) || met.has(action) || except.includes(action)) return pass
      met.add(action)
      return fate
    }
  }
}

suite("trouble with EC2", {}, (scenario) => {
  const unclear: ReadonlyArray<readonly [string, Fate]> = [
    ["EC2 does each thing once, and the reply is lost", { _tag: "LoseReply" }],
    [
      "EC2 does each thing once, and says that it failed",
      { _tag: "FailAfter", status: 500, code: "InternalError" }
    ],
    ["EC2 does each thing once, and never answers", { _tag: "Hang" }]
  ]
  for (const [what, fate] of unclear) {
    scenario(`${what}: nothing is done twice`, (world) =>
      Effect.gen(function* () {
        const operator = yield* world.startOperator()
        yield* operator.ready
        const { decide, met } = firstOfEach(fate)
        const before = world.wire.calls().length
        world.wire.decide(decide)
        yield* everything(world, "3 minutes")
        world.wire.decide(() => pass)
        assert.sameMembers(
          [...met],
          [
            "AllocateAddress",
            "AssociateAddress",
            "CreateSecurityGroup",
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupEgress",
            "ModifyNetworkInterfaceAttribute",
            "DeleteSecurityGroup",
            "DisassociateAddress",
            "ReleaseAddress"
          ]
        )
        const allocated = world.wire
          .calls()
          .slice(before)
          .filter((c) => c.action === "AllocateAddress")
        assert.strictEqual(allocated.length, 1)
        assert.isTrue(operator.isRunning())
      })
    )
  }

  scenario("what never reached EC2 is sent again", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      // Of an allocation without an answer nobody can know: it is waited out, in a scenario of its own.
      const { decide, met } = firstOfEach({ _tag: "Drop" }, ["AllocateAddress"])
      world.wire.decide(decide)
      yield* everything(world, "2 minutes")
      world.wire.decide(() => pass)
      assert.isAbove(met.size, 6)
    })
  )

  scenario(
    "an allocation that never reached EC2 is sent again after the visibility window, not before",
    (world) =>
      Effect.gen(function* () {
        const operator = yield* world.startOperator()
        yield* operator.ready
        const before = world.wire.calls().length
        const { decide } = firstOfEach({ _tag: "Drop" })
        world.wire.decide((call) => (call.action === "AllocateAddress" ? decide(call) : pass))
        yield* world.kubectl.apply(externalIP("lost"))
        yield* eventually(
          "the reason is said",
          Effect.map(world.kubectl.get("externalip", "lost"), ({ status }) =>
            status?.conditions?.some((c) => c.reason === "Allocating")
              ? there(undefined)
              : missing(JSON.stringify(status))
          )
        )
        yield* world.matches("it has its address", { within: "4 minutes" })
        world.wire.decide(() => pass)
        const [first, second, ...more] = world.wire
          .calls()
          .slice(before)
          .filter((c) => c.action === "AllocateAddress")
        assert.deepStrictEqual(more, [])
        assert.isAtLeast((second?.sentAt ?? 0) - (first?.sentAt ?? 0), 119_000)
        yield* world.kubectl.ok(["delete", "externalip", "lost", "--timeout=60s"])
      })
  )

  scenario("throttled at every turn, it slows down and gets everything done", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      const draw = Draw.make(11)
      const before = world.wire.calls().length
      world.wire.decide(() =>
        draw.below(3) === 0 ? { _tag: "Refuse", status: 503, code: "RequestLimitExceeded" } : pass
      )
      for (let n = 0; n < 4; n++) yield* comes(world)
      yield* world.matches("every node is served", { within: "3 minutes" })
      world.wire.decide(() => pass)
      const refused = world.wire
        .calls()
        .slice(before)
        .filter((c) => c.fate === "Refuse")
      assert.isAbove(refused.length, 0)
      const counted = yield* operator.metric("kubestatic_ec2_requests_total", {
        code: "RequestLimitExceeded"
      })
      assert.strictEqual(counted, refused.length)
    })
  )

  scenario("without a permission it says so, and goes on when it is granted", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      world.wire.decide(({ action }) =>
        action === "AllocateAddress" ? { _tag: "Refuse", status: 403, code: "UnauthorizedOperation" } : pass
      )
      yield* world.kubectl.apply(externalIP("denied"))
      yield* world.kubectl.ok([
        "wait",
        "externalip/denied",
        '--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=Forbidden',
        "--timeout=60s"
      ])
      world.wire.decide(() => pass)
      // Whatever changes about an object, it is looked at again.
      yield* world.kubectl.ok(["annotate", "externalip", "denied", "example.com/looked-at=1"])
      yield* world.matches("it has its address", { within: "4 minutes" })
      yield* world.kubectl.ok(["delete", "externalip", "denied", "--timeout=60s"])
    })
  )

  scenario("an edited description that may not be changed in EC2 closes nothing, and is said once", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.launchNode("described")
      yield* world.kubectl.apply(firewallRule("described", { nodeName: "described" }))
      yield* world.kubectl.ok(["wait", "firewallrule/described", "--for=condition=Ready", "--timeout=60s"])
      const before = world.wire.calls().length
      world.wire.decide(({ action }) =>
        action.startsWith("UpdateSecurityGroupRuleDescriptions")
          ? { _tag: "Refuse", status: 403, code: "UnauthorizedOperation" }
          : pass
      )
      yield* world.kubectl.apply(firewallRule("described", { nodeName: "described", description: "other" }))
      yield* eventually(
        "the event is there",
        Effect.map(world.kubectl.ok(["describe", "firewallrule", "described"]), (text) =>
          /DescriptionNotUpdated/.test(text) ? there(undefined) : missing(text)
        )
      )
      yield* world.kubectl.ok([
        "wait",
        "firewallrule/described",
        "--for=jsonpath={.status.observedGeneration}=2",
        "--timeout=60s"
      ])
      world.wire.decide(() => pass)
      assert.strictEqual((yield* world.kubectl.get("firewallrule", "described")).status?.state, "Applied")
      const sent = world.wire
        .calls()
        .slice(before)
        .filter((c) => isMutation(c.action))
      assert.deepStrictEqual(
        sent.map((c) => c.action),
        ["UpdateSecurityGroupRuleDescriptionsIngress"]
      )
      yield* world.matches("all is as it was")
    })
  )
})
