import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import type { FirewallRule } from "../../../src/domain/FirewallRule.ts"
import { Tag } from "../../../src/domain/Names.ts"
import { placementOnAws } from "../../../src/domain/Node.ts"
import * as Permission from "../../../src/domain/Permission.ts"
import type { GroupRecord } from "../../../src/ec2/Inventory.ts"
import { everywhere } from "../../../src/operator/securitygroup/DefaultRules.ts"
import * as Plan from "../../../src/operator/securitygroup/Plan.ts"
import { anyNumber } from "../../../src/operator/securitygroup/Quota.ts"
import {
  clusterId,
  firewallRule,
  group,
  instance,
  instanceIdOf,
  networkInterface,
  node,
  seen,
  t0
} from "../Fixtures.ts"

type Overrides = Partial<Omit<Plan.Observed, "memory" | "policy">> & {
  readonly memory?: Partial<Plan.Memory>
  readonly policy?: Partial<Plan.Policy>
}

const attached = instance("node-1", {
  interfaces: [networkInterface("node-1", { groupIds: ["sg-foreign", "sg-node-1"] })]
})

const observe = ({ memory, policy, ...o }: Overrides = {}): Plan.Observed => {
  const n = node("node-1")
  return {
    now: t0 + 1000,
    runBegan: t0,
    nodeName: "node-1",
    node: n,
    placement: placementOnAws(n),
    sighting: seen(attached),
    groups: [],
    foreignGroup: undefined,
    unreadGroupId: undefined,
    wanted: [],
    staying: new Set(),
    isFrozen: false,
    holdingAddress: undefined,
    ...o,
    memory: {
      refusals: new Map(),
      limits: { Ingress: undefined, Egress: undefined },
      limitsUntil: undefined,
      unread: new Set(),
      readBack: new Set(),
      opened: new Set(),
      stuck: new Set(),
      batch: { Ingress: anyNumber, Egress: anyNumber },
      described: new Set(),
      attachments: new Map(),
      made: new Set(),
      undeletable: new Set(),
      nameTakenBy: undefined,
      ...memory
    },
    policy: { clusterId, extraTags: {}, vpcId: undefined, interfaceSelection: "public", ...policy }
  }
}

const stepOf = (o: Plan.Observed): Plan.Step | undefined => {
  const decision = Plan.decide(o)
  return decision._tag === "Perform" ? decision.step : undefined
}
const word = (o: Plan.Observed): string => stepOf(o)?._tag ?? "settled"
const keysOf = (o: Plan.Observed): ReadonlyArray<string> => {
  const step = stepOf(o)
  return step !== undefined && "permissions" in step ? step.permissions.map(Permission.key) : []
}
const keys = (...rules: ReadonlyArray<FirewallRule>): ReadonlyArray<string> =>
  rules.flatMap((r) => r.permissions.map(Permission.key))
const holding = (rules: ReadonlyArray<FirewallRule>, o: Partial<GroupRecord> = {}): GroupRecord =>
  group(
    "node-1",
    rules.flatMap((r) => r.permissions),
    o
  )

const web = firewallRule("web", { fromPort: 80 })
const tls = firewallRule("tls", { fromPort: 443 })
const out = firewallRule("out", { direction: "Egress", fromPort: 25 })

describe("the way up", () => {
  it("makes the group, opens all of one direction in one call, attaches, then says Applied", () => {
    const bare = { sighting: seen(instance("node-1")), wanted: [web, tls, out] }
    assert.strictEqual(word(observe(bare)), "CreateGroup")
    const empty = observe({ ...bare, groups: [holding([])] })
    assert.deepStrictEqual([word(empty), keysOf(empty)], ["Authorize", keys(tls, web)])
    const half = observe({ ...bare, groups: [holding([web, tls])] })
    assert.deepStrictEqual([word(half), keysOf(half)], ["Authorize", keys(out)])
    const whole = { ...bare, groups: [holding([web, tls, out])] }
    assert.strictEqual(word(observe(whole)), "Attach")
    assert.notStrictEqual(Plan.reportOf(observe(whole), undefined).rules.get("web")?.outcome._tag, "Applied")
    const done = observe({ ...whole, sighting: seen(attached) })
    assert.strictEqual(word(done), "settled")
    assert.strictEqual(Plan.reportOf(done, undefined).rules.get("web")?.outcome._tag, "Applied")
  })
  it("revokes the egress rule that EC2 gives every new group", () => {
    const o = observe({ wanted: [web], groups: [group("node-1", [...web.permissions, everywhere])] })
    assert.deepStrictEqual([word(o), keysOf(o)], ["Revoke", ["Egress|-1|||ipv4|0.0.0.0/0"]])
  })
  it("brings a group made just now to its union with all calls at once, and one that others see step by step", () => {
    const excess = firewallRule("old", { direction: "Egress", fromPort: 1 })
    const groups = [holding([excess])]
    const fresh = { sighting: seen(instance("node-1")), wanted: [web, tls, out], groups }
    const made = new Set(["sg-node-1"])
    const step = stepOf(observe({ ...fresh, memory: { made } }))
    assert(step?._tag === "Fill")
    assert.deepStrictEqual(
      step.parts.map((p) => [p._tag, p.direction, p.permissions.map(Permission.key)]),
      [
        ["Authorize", "Ingress", keys(tls, web)],
        ["Authorize", "Egress", keys(out)],
        ["Revoke", "Egress", keys(excess)]
      ]
    )
    assert.strictEqual(word(observe(fresh)), "Authorize")
    assert.strictEqual(
      word(observe({ ...fresh, memory: { made, batch: { Ingress: 1, Egress: anyNumber } } })),
      "Authorize"
    )
    assert.strictEqual(word(observe({ ...fresh, sighting: seen(attached), memory: { made } })), "Authorize")
    assert.strictEqual(
      word(observe({ ...fresh, groups: [holding([web, tls, out])], memory: { made } })),
      "Attach"
    )
  })
  it("names and tags the group so that a lost reply finds it again (F25)", () => {
    const step = stepOf(observe({ wanted: [web] }))
    assert(step?._tag === "CreateGroup")
    assert.strictEqual(step.name, `kubestatic/${clusterId}/node-1`)
    assert.deepInclude(step.tags, { [Tag.nodeName]: "node-1", [Tag.instanceId]: instanceIdOf("node-1") })
  })
})

describe("exactly the union", () => {
  it("F1: two rules on one port with different ranges are both open", () => {
    const a = firewallRule("a", { ipRanges: [{ cidr: "10.0.0.0/8" }] })
    const b = firewallRule("b", { ipRanges: [{ cidr: "192.168.0.0/16" }] })
    const o = observe({ wanted: [a, b], groups: [holding([a])] })
    assert.deepStrictEqual([word(o), keysOf(o)], ["Authorize", keys(b)])
    const report = Plan.reportOf(observe({ wanted: [a, b], groups: [holding([a, b])] }), undefined)
    assert.deepStrictEqual(
      [...report.rules.values()].map((r) => r.outcome._tag),
      ["Applied", "Applied"]
    )
  })
  it("F2: when one of them goes, only its own range goes", () => {
    const a = firewallRule("a", { ipRanges: [{ cidr: "10.0.0.0/8" }] })
    const b = firewallRule("b", { ipRanges: [{ cidr: "192.168.0.0/16" }] })
    const o = observe({ wanted: [a], groups: [holding([a, b])] })
    assert.deepStrictEqual([word(o), keysOf(o)], ["Revoke", keys(b)])
  })
  const atRest: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>]> = [
    ["F3: without toPort", { fromPort: 80 }],
    ["F8: with host bits", { ipRanges: [{ cidr: "10.1.2.3/8" }] }],
    ["F9: in capitals", { protocol: "TCP" }],
    ["F9: by number", { protocol: "6" }],
    ["F9: for all protocols", { protocol: "-1", fromPort: 0 }],
    ["F10: for ICMP type 0", { protocol: "icmp", fromPort: 0 }]
  ]
  for (const [what, spec] of atRest) {
    it(`a rule ${what} is one EC2 rule, and nothing is written at rest`, () => {
      const rule = firewallRule("r", spec)
      // As EC2 answers: merged, canonical.
      const merged = Permission.merge(rule.permissions)
      const stored = group("node-1", Permission.expand("Ingress", merged))
      assert.strictEqual(word(observe({ wanted: [rule], groups: [stored] })), "settled")
      assert.strictEqual(rule.permissions.length, 1)
    })
  }
  it("F11: the same rule with another description is one EC2 rule, and both are Applied", () => {
    const a = firewallRule("a", { description: "one" }, { created: "2025-01-01T00:00:00Z" })
    const b = firewallRule("b", { description: "two" })
    const o = observe({ wanted: [a, b], groups: [holding([a])] })
    const report = Plan.reportOf(o, undefined)
    assert.deepStrictEqual(
      [...report.rules.values()].map((r) => r.outcome._tag),
      ["Applied", "Applied"]
    )
    assert.notInclude(["Authorize", "Revoke"], word(o))
  })
  it("F13: what is not ours in our own group is revoked, IPv6, prefix lists and groups included", () => {
    const strange = (["ipv6", "prefixLists", "groups"] as const).map(
      (sourceKind): Permission.Permission => ({
        direction: "Ingress",
        protocol: "tcp",
        fromPort: 22,
        toPort: 22,
        sourceKind,
        source: `${sourceKind}-x`,
        description: ""
      })
    )
    const o = observe({ wanted: [web], groups: [group("node-1", [...web.permissions, ...strange])] })
    assert.deepStrictEqual([word(o), keysOf(o)], ["Revoke", strange.map(Permission.key)])
  })
  it("opens what is new before it closes what is old", () => {
    const o = observe({ wanted: [tls], groups: [holding([web])] })
    assert.deepStrictEqual([word(o), keysOf(o)], ["Authorize", keys(tls)])
  })
  it("never closes what another rule still wants", () => {
    const twin = firewallRule("twin", { fromPort: 80 })
    assert.strictEqual(word(observe({ wanted: [twin], groups: [holding([web])] })), "settled")
  })
  it("F12: a changed description is sent in place, once, and never by revoking", () => {
    const before = firewallRule("r", { description: "old" })
    const after = firewallRule(
      "r",
      { description: "new" },
      { generation: 2, status: { observedGeneration: 1 } }
    )
    const o = observe({ wanted: [after], groups: [holding([before])] })
    assert.strictEqual(word(o), "Describe")
    const [p] = after.permissions
    assert(p !== undefined)
    const tried = observe({ ...o, memory: { described: new Set([Plan.describedKey("sg-node-1", p)]) } })
    assert.strictEqual(word(tried), "settled")
    assert.strictEqual(Plan.reportOf(tried, undefined).rules.get("r")?.outcome._tag, "Applied")
  })
  it("closes what nobody wants although the instance cannot be reached (F16)", () => {
    const o = observe({ wanted: [web], groups: [holding([web, tls])], placement: { _tag: "NotYet" } })
    assert.deepStrictEqual([word(o), keysOf(o)], ["Revoke", keys(tls)])
  })
})

describe("what stays open", () => {
  it("is not closed, keeps the group, and is not opened", () => {
    const staying = new Set(keys(tls))
    assert.strictEqual(word(observe({ staying, groups: [holding([tls])] })), "settled")
    assert.deepStrictEqual(keysOf(observe({ staying, groups: [holding([tls, web])] })), keys(web))
    assert.strictEqual(word(observe({ staying, wanted: [web], groups: [holding([web])] })), "settled")
  })
  it("nothing is closed, detached or deleted while a rule cannot be read", () => {
    assert.strictEqual(word(observe({ isFrozen: true, groups: [holding([web])] })), "settled")
    assert.strictEqual(
      word(observe({ isFrozen: true, wanted: [tls], groups: [holding([web, tls])] })),
      "settled"
    )
    const report = Plan.reportOf(
      observe({ isFrozen: true, wanted: [tls], groups: [holding([web, tls])] }),
      undefined
    )
    assert.isFalse(report.isExact)
  })
})

describe("a group that EC2 limits or refuses", () => {
  const rules = [80, 81, 82].map((fromPort, i) =>
    firewallRule(`r${i}`, { fromPort }, { created: `2025-01-0${i + 1}T00:00:00Z` })
  )
  const outcomes = (o: Plan.Observed) =>
    [...Plan.reportOf(o, undefined).rules.values()].map((r) =>
      "reason" in r.outcome ? r.outcome.reason : r.outcome._tag
    )
  it("over the limit the oldest objects win", () => {
    const memory = { limits: { Ingress: 2, Egress: undefined } }
    const o = observe({ wanted: rules, memory, groups: [holding(rules.slice(0, 2))] })
    assert.strictEqual(word(o), "settled")
    assert.deepStrictEqual(outcomes(o), ["Applied", "Applied", "RuleLimitExceeded"])
  })
  it("a group that holds more than it was said to take closes nothing for the sake of that", () => {
    const memory = { limits: { Ingress: 0, Egress: undefined } }
    const o = observe({ wanted: rules.slice(0, 2), memory, groups: [holding(rules.slice(0, 2))] })
    assert.strictEqual(word(o), "settled")
    assert.deepStrictEqual(outcomes(o), ["Applied", "Applied"])
  })
  it("what a second group of the node holds makes no room in the first", () => {
    const memory = { limits: { Ingress: 2, Egress: undefined } }
    const second = group(
      "node-1",
      rules.slice(1).flatMap((r) => r.permissions),
      { groupId: "sg-second" }
    )
    const o = observe({ wanted: rules, memory, groups: [holding(rules.slice(0, 1)), second] })
    assert.deepStrictEqual([word(o), keysOf(o)], ["Authorize", keys(...rules.slice(1, 2))])
    assert.strictEqual(outcomes(o)[2], "RuleLimitExceeded")
  })
  it("a full group gives room first, the only case in which closing comes before opening", () => {
    const memory = { limits: { Ingress: 2, Egress: undefined } }
    const o = observe({ wanted: rules, memory, groups: [holding(rules.slice(1))] })
    assert.deepStrictEqual([word(o), keysOf(o)], ["Revoke", keys(...rules.slice(2))])
  })
  it("a full group in which nothing may be closed is asked for no more, until the limit is forgotten", () => {
    const memory = { limits: { Ingress: 2, Egress: undefined }, limitsUntil: t0 + 61_000 }
    const o = observe({
      wanted: rules.slice(0, 1),
      memory,
      isFrozen: true,
      groups: [holding(rules.slice(1))]
    })
    const decision = Plan.decide(o)
    assert(decision._tag === "Settled" && decision.next._tag === "RequeueAfter")
    assert.strictEqual(Duration.toMillis(decision.next.duration), 60_000)
  })
  it("a rule that wants more than there is room for keeps what it holds, unless an older one needs the place", () => {
    const [first, second] = rules
    assert(first !== undefined && second !== undefined)
    const ranges = [{ cidr: "10.0.0.0/8" }, { cidr: "192.0.2.0/24" }]
    const grown = firewallRule("r1", { fromPort: 81, ipRanges: ranges }, { created: "2025-01-02T00:00:00Z" })
    const one = { limits: { Ingress: 1, Egress: undefined } }
    const alone = observe({ wanted: [grown], memory: one, groups: [holding([second])] })
    assert.deepStrictEqual([word(alone), outcomes(alone)], ["settled", ["RuleLimitExceeded"]])
    const beside = observe({ wanted: [first, grown], memory: one, groups: [holding([second])] })
    assert.deepStrictEqual([word(beside), keysOf(beside)], ["Revoke", keys(second)])
  })
  it("one bad rule is InvalidRule alone, and what it holds open is not closed for it", () => {
    const [first, second] = rules
    assert(first !== undefined && second !== undefined)
    const memory = { refusals: new Map([[second.metadata.uid, { generation: 1, message: "no" }]]) }
    const o = observe({ wanted: rules.slice(0, 2), memory, groups: [holding([first])] })
    assert.strictEqual(word(o), "settled")
    assert.deepStrictEqual(outcomes(o), ["Applied", "InvalidRule"])
  })
  it("after a refused batch sends one permission at a time", () => {
    const memory = { batch: { Ingress: 1, Egress: anyNumber } }
    assert.deepStrictEqual(
      keysOf(observe({ wanted: rules, memory, groups: [holding([])] })),
      keys(...rules.slice(0, 1))
    )
  })
  it("a name taken by somebody else is said: GroupNameTaken", () => {
    const o = observe({ wanted: [web], memory: { nameTakenBy: "sg-x" } })
    assert.deepStrictEqual([word(o), ...outcomes(o)], ["Wait", "GroupNameTaken"])
  })
  it("a group in status that is not ours is never replaced: AddressNotOwned", () => {
    const foreign = group("node-1", [], { groupId: "sg-go", tagged: { [Tag.clusterId]: "unset" } })
    const o = observe({ wanted: [web], foreignGroup: foreign })
    assert.deepStrictEqual([word(o), ...outcomes(o)], ["Wait", "AddressNotOwned"])
  })
})

describe("the way down", () => {
  it("F15: the last rule gone, the group is detached and deleted", () => {
    const base = { groups: [holding([web])] }
    assert.strictEqual(word(observe(base)), "ReadAttachments")
    const carried = { attachments: new Map([["sg-node-1", attached.interfaces]]) }
    assert.strictEqual(word(observe({ ...base, memory: carried })), "Detach")
    const off = { attachments: new Map([["sg-node-1", []]]) }
    assert.strictEqual(word(observe({ ...base, memory: off })), "DeleteGroup")
    assert.deepStrictEqual(Plan.decide(observe()), { _tag: "Settled", next: { _tag: "Stop" } })
  })
  it("without node and instance too (F16, F23)", () => {
    const gone = { node: undefined, placement: undefined, sighting: undefined, groups: [holding([web])] }
    assert.strictEqual(word(observe(gone)), "ReadAttachments")
  })
  it("empties a group that something else holds", () => {
    const memory = { undeletable: new Set(["sg-node-1"]), attachments: new Map([["sg-node-1", []]]) }
    assert.strictEqual(word(observe({ groups: [holding([web])], memory })), "Revoke")
  })
})

describe("an instance that changes under the node's name", () => {
  it("F26: the group comes along: attached to the new, off the old, then tagged", () => {
    const groups = [holding([web], { tags: { ...group("node-1").tags, [Tag.instanceId]: "i-old" } })]
    const base = { wanted: [web], groups }
    assert.strictEqual(word(observe({ ...base, sighting: seen(instance("node-1")) })), "Attach")
    assert.strictEqual(word(observe(base)), "ReadAttachments")
    const old = networkInterface("old", { groupIds: ["sg-x", "sg-node-1"] })
    const at = (attachments: ReadonlyArray<typeof old>) =>
      stepOf(observe({ ...base, memory: { attachments: new Map([["sg-node-1", attachments]]) } }))
    assert.deepInclude(at([...attached.interfaces, old]), { _tag: "Detach", networkInterfaceId: "eni-old" })
    assert.deepInclude(at(attached.interfaces), {
      _tag: "TagGroup",
      tags: { [Tag.instanceId]: instanceIdOf("node-1") }
    })
  })
  it("in another VPC a new group is made, and the old one goes after it holds", () => {
    const elsewhere = holding([web], { vpcId: "vpc-2", groupId: "sg-2" })
    assert.strictEqual(word(observe({ wanted: [web], groups: [elsewhere] })), "CreateGroup")
    const both = [elsewhere, holding([web])]
    assert.deepInclude(stepOf(observe({ wanted: [web], groups: both })), {
      _tag: "ReadAttachments",
      groupId: "sg-2"
    })
  })
  it("a group is not detached because the public IP vanished", () => {
    const dark = instance("node-1", {
      interfaces: [networkInterface("node-1", { groupIds: ["sg-foreign", "sg-node-1"], publicIp: undefined })]
    })
    assert.strictEqual(
      word(observe({ wanted: [web], groups: [holding([web])], sighting: seen(dark) })),
      "settled"
    )
  })
  it("OtherVpc, UnsupportedNode and NoPublicInterface are said per rule", () => {
    const reason = (o: Overrides) => {
      const outcome = Plan.reportOf(observe({ wanted: [web], ...o }), undefined).rules.get("web")?.outcome
      return outcome !== undefined && "reason" in outcome ? outcome.reason : outcome?._tag
    }
    const dark = instance("node-1", { interfaces: [networkInterface("node-1", { publicIp: undefined })] })
    assert.strictEqual(reason({ policy: { vpcId: "vpc-9" } }), "OtherVpc")
    assert.strictEqual(
      reason({ placement: { _tag: "Unsupported", providerID: "kind://x" } }),
      "UnsupportedNode"
    )
    assert.strictEqual(reason({ sighting: seen(dark, t0 + 1) }), "NoPublicInterface")
  })
})
