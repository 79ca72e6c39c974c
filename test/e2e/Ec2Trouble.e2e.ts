/** The operator while EC2, or the wire to it, is in trouble. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Draw from "../Draw.ts"
import { eventually, missing, there } from "./world/Eventually.ts"
import { suite } from "./world/Suite.ts"
import { type Call, type Fate, isMutation, pass } from "./world/Wire.ts"
import { externalIP, firewallRule, type World } from "./world/World.ts"

type Of = World["Service"]
type Sent = Omit<Call, "fate">

let made = 0
/** A node with an address of a user's own, and a rule each way. */
const comes = Effect.fnUntraced(function* (world: Of) {
  const name = `ec2-${++made}`
  const launched = yield* world.launchNode(name)
  yield* world.kubectl.apply(
    externalIP(`of-${name}`, { nodeName: name }),
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
  yield* world.kubectl.apply(externalIP(`of-${name}`))
  yield* world.kubectl.ok(["delete", "firewallrule", `in-${name}`, `out-${name}`, "--timeout=60s"])
  yield* world.kubectl.ok([
    "wait",
    `externalip/of-${name}`,
    "--for=jsonpath={.status.state}=Reserved",
    "--timeout=60s"
  ])
  yield* world.kubectl.ok(["delete", "node", name])
  yield* world.cloud.terminate(instanceId)
})

/** The whole way up and down again, so that every mutation but the release of the address is sent. */
const everything = Effect.fnUntraced(function* (world: Of) {
  const node = yield* comes(world)
  yield* world.matches("the node is served")
  yield* goes(world, node)
  yield* world.matches("nothing of it is left but its address")
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
        yield* everything(world)
        world.wire.decide(() => pass)
        assert.includeMembers(
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
            "DisassociateAddress"
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
      yield* everything(world)
      world.wire.decide(() => pass)
      assert.isAbove(met.size, 6)
    })
  )

  scenario("what only time can tell is waited for, two minutes, and then done", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      const names = ["lost", "failed", "silent"] as const
      yield* world.kubectl.apply(...names.map((name) => externalIP(name)))
      yield* world.matches("three addresses are there")
      // Of a release that was not answered a describe is no proof, while the address is so young that it may not show.
      const fates = new Map<string, Fate>()
      for (const [n, name] of names.entries()) {
        const { status } = yield* world.kubectl.get("externalip", name)
        fates.set(String(status?.addressID), unclear[n]?.[1] ?? pass)
      }
      const before = world.wire.calls().length
      const once = firstOfEach({ _tag: "Drop" })
      world.wire.decide((call) => {
        // Of an allocation that was not answered nobody knows whether EC2 ever saw it.
        if (call.action === "AllocateAddress") return once.decide(call)
        const id = call.parameters.AllocationId ?? ""
        const fate = call.action === "ReleaseAddress" ? fates.get(id) : undefined
        fates.delete(id)
        return fate ?? pass
      })
      yield* world.kubectl.ok(["delete", "externalip", ...names, "--wait=false"])
      yield* world.kubectl.apply(externalIP("never-sent"))
      yield* eventually(
        "the reason is said",
        Effect.map(world.kubectl.get("externalip", "never-sent"), ({ status }) =>
          status?.conditions?.some((c) => c.reason === "Allocating")
            ? there(undefined)
            : missing(JSON.stringify(status))
        )
      )
      yield* world.matches("three are gone and one is there", { within: "4 minutes" })
      world.wire.decide(() => pass)
      const since = world.wire.calls().slice(before)
      const [first, second, ...more] = since.filter((c) => c.action === "AllocateAddress")
      assert.deepStrictEqual(more, [])
      assert.isAtLeast((second?.sentAt ?? 0) - (first?.sentAt ?? 0), 119_000)
      assert.deepStrictEqual([...fates], [])
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
      // It is tried again in minutes; who edits the object has it looked at now.
      yield* world.kubectl.apply(externalIP("denied", { preventEIPDeallocation: true }))
      yield* world.kubectl.apply(externalIP("denied"))
      yield* world.matches("it has its address")
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
