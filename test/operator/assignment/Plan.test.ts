import { assert, describe, it } from "@effect/vitest"
import type { ExternalIP } from "../../../src/domain/ExternalIP.ts"
import { autoAssignedName } from "../../../src/domain/Names.ts"
import { type Node, placementOnAws } from "../../../src/domain/Node.ts"
import * as Plan from "../../../src/operator/assignment/Plan.ts"
import { autoAssigned, externalIP, node, t0 } from "../Fixtures.ts"

const observe = (o: {
  readonly nodes?: ReadonlyArray<Node>
  readonly externalIPs?: ReadonlyArray<ExternalIP>
  readonly demand?: ReadonlyMap<string, Plan.Demand> | "Unknown"
  readonly kept?: ReadonlyArray<string>
  readonly held?: ReadonlyMap<string, number>
}): Plan.Observed => ({
  now: t0,
  nodes: (o.nodes ?? []).map((n) => ({ node: n, placement: placementOnAws(n) })),
  externalIPs: o.externalIPs ?? [],
  demand: o.demand === "Unknown" ? undefined : (o.demand ?? new Map()),
  keptNames: o.kept ?? [],
  takenNames: new Set(o.kept ?? []),
  heldUntil: o.held ?? new Map()
})

/** Moves as short words: "claim e1 -> n1". */
const moves = (o: Plan.Observed): ReadonlyArray<string> =>
  Plan.assign(o).moves.map((m) => {
    switch (m._tag) {
      case "Claim":
        return `claim ${m.externalIP.metadata.name} -> ${m.node.name}`
      case "Clear":
        return `clear ${m.externalIP.metadata.name}`
      case "Create":
        return `${m.isTakenBack ? "take back" : "create"} ${m.name} -> ${m.node.name}`
    }
  })

const free = (name: string, ip?: string) =>
  autoAssigned(name, { status: ip === undefined ? {} : { publicIPAddress: ip, state: "Reserved" } })
const held = (name: string, nodeName: string, ip?: string) =>
  autoAssigned(name, {
    spec: { nodeName },
    status: ip === undefined ? {} : { publicIPAddress: ip, state: "Associated" }
  })
const pods = (count: number, ...nodeNames: ReadonlyArray<string>): Plan.Demand => ({
  pods: count,
  nodeNames: new Set(nodeNames)
})

describe("a node that wants an address", () => {
  it("is given a new ExternalIP where none can be reused", () => {
    const n = node("n1")
    assert.deepStrictEqual(moves(observe({ nodes: [n] })), [`create ${autoAssignedName(n.uid, 0)} -> n1`])
  })
  const unwanting: ReadonlyArray<readonly [string, Node]> = [
    ["has no auto-assign label", node("n1", { auto: false })],
    ["is cordoned", node("n1", { cordoned: true })],
    ["is disrupted by Karpenter", node("n1", { taints: [{ key: "karpenter.sh/disrupted" }] })],
    [
      "is leaving by the cluster autoscaler",
      node("n1", { taints: [{ key: "ToBeDeletedByClusterAutoscaler" }] })
    ],
    ["is being deleted", node("n1", { deleting: true })],
    ["has no providerID yet", node("n1", { providerID: null })],
    ["is no EC2 instance", node("n1", { providerID: "gce://project/zone/name" })]
  ]
  for (const [why, n] of unwanting) {
    it(`is given nothing when it ${why}`, () => assert.deepStrictEqual(moves(observe({ nodes: [n] })), []))
  }
  it("is given nothing when any ExternalIP names it, a terminating or a user's own one too", () => {
    const named = [
      externalIP("own", { spec: { nodeName: "n1" } }),
      autoAssigned("going", { spec: { nodeName: "n2" }, deleting: true })
    ]
    assert.deepStrictEqual(moves(observe({ nodes: [node("n1"), node("n2")], externalIPs: named })), [])
  })
  it("waits for its minimum interval without losing its turn, while others go on", () => {
    const [n1, n2] = [node("n1"), node("n2")]
    const o = observe({ nodes: [n1, n2], externalIPs: [free("e1")], held: new Map([[n1.uid, t0 + 5000]]) })
    assert.deepStrictEqual(moves(o), ["claim e1 -> n2"])
    assert.strictEqual(Plan.assign(o).nextDue, t0 + 5000)
  })
})

describe("reuse", () => {
  it("prefers the address that most live pods ask for", () => {
    const o = observe({
      nodes: [node("n1")],
      externalIPs: [free("a", "1.1.1.1"), free("b", "2.2.2.2"), free("c", "3.3.3.3")],
      demand: new Map([
        ["2.2.2.2", pods(1)],
        ["3.3.3.3", pods(2)]
      ])
    })
    assert.deepStrictEqual(moves(o), ["claim c -> n1"])
  })
  it("E2: takes a free address before one of a cordoned node among equals", () => {
    const o = observe({
      nodes: [node("n1"), node("old", { cordoned: true })],
      externalIPs: [held("a", "old", "1.1.1.1"), free("b", "2.2.2.2")]
    })
    assert.deepStrictEqual(moves(o), ["claim b -> n1"])
  })
  it("takes the address of a cordoned node on which no pod uses it", () => {
    const o = observe({
      nodes: [node("n1"), node("old", { cordoned: true })],
      externalIPs: [held("a", "old", "1.1.1.1")],
      demand: new Map([["1.1.1.1", pods(3, "elsewhere")]])
    })
    assert.deepStrictEqual(moves(o), ["claim a -> n1"])
  })
  it("leaves an address on a cordoned node while a live pod there carries its label", () => {
    const n1 = node("n1")
    const o = observe({
      nodes: [n1, node("old", { cordoned: true })],
      externalIPs: [held("a", "old", "1.1.1.1")],
      demand: new Map([["1.1.1.1", pods(1, "old")]])
    })
    assert.deepStrictEqual(moves(o), [`create ${autoAssignedName(n1.uid, 0)} -> n1`])
  })
  it("E3: takes nothing from a cordoned node while it is not known which pods run", () => {
    const n1 = node("n1")
    const o = observe({
      nodes: [n1, node("old", { cordoned: true })],
      externalIPs: [held("a", "old", "1.1.1.1")],
      demand: "Unknown"
    })
    assert.deepStrictEqual(moves(o), [`create ${autoAssignedName(n1.uid, 0)} -> n1`])
  })
  it("E4: skips an ExternalIP without an address on a cordoned node", () => {
    const n1 = node("n1")
    const o = observe({ nodes: [n1, node("old", { cordoned: true })], externalIPs: [held("a", "old")] })
    assert.deepStrictEqual(moves(o), [`create ${autoAssignedName(n1.uid, 0)} -> n1`])
  })
  it("E5: free ExternalIPs none of which has an address yet are given all the same", () => {
    const o = observe({ nodes: [node("n1")], externalIPs: [free("b"), free("a")] })
    assert.deepStrictEqual(moves(o), ["claim a -> n1"])
  })
  it("E18: the choice does not depend on the order in which the world is listed", () => {
    const nodes = [node("n2"), node("n1"), node("n3")]
    const ips = [free("c", "3.3.3.3"), free("a", "1.1.1.1"), free("b", "2.2.2.2")]
    const straight = moves(observe({ nodes, externalIPs: ips }))
    const reversed = moves(observe({ nodes: nodes.toReversed(), externalIPs: ips.toReversed() }))
    assert.deepStrictEqual(straight, ["claim a -> n1", "claim b -> n2", "claim c -> n3"])
    assert.deepStrictEqual(reversed, straight)
  })
  it("never takes a user's own, a disabled or a terminating one", () => {
    const n1 = node("n1")
    const o = observe({
      nodes: [n1],
      externalIPs: [
        externalIP("own"),
        autoAssigned("off", { spec: { disableReconciliation: true } }),
        autoAssigned("going", { deleting: true })
      ]
    })
    assert.deepStrictEqual(moves(o), [`create ${autoAssignedName(n1.uid, 0)} -> n1`])
  })
  it("takes what names a node that no longer exists, straight to the next node", () => {
    assert.deepStrictEqual(
      moves(observe({ nodes: [node("n1")], externalIPs: [held("a", "gone", "1.1.1.1")] })),
      ["claim a -> n1"]
    )
  })
  it("E8: takes kept addresses back before it allocates new ones", () => {
    const n2 = node("n2")
    const o = observe({ nodes: [node("n1"), n2], kept: ["auto-assigned-kept", "users-own"] })
    assert.deepStrictEqual(moves(o), [
      "take back auto-assigned-kept -> n1",
      `create ${autoAssignedName(n2.uid, 0)} -> n2`
    ])
  })
  it("passes over a name that is taken by another node's object", () => {
    const n1 = node("n1")
    const taken = held(autoAssignedName(n1.uid, 0), "n2", "1.1.1.1")
    assert.deepStrictEqual(moves(observe({ nodes: [n1, node("n2")], externalIPs: [taken] })), [
      `create ${autoAssignedName(n1.uid, 1)} -> n1`
    ])
  })
})

describe("letting go", () => {
  it("clears the name of a node that is gone, from the operator's own objects only (E14)", () => {
    const o = observe({
      externalIPs: [held("a", "gone", "1.1.1.1"), externalIP("own", { spec: { nodeName: "gone" } })]
    })
    assert.deepStrictEqual(moves(o), ["clear a"])
  })
  it("of two that name one node keeps the attached one, else the older", () => {
    const nodes = [node("n1"), node("n2")]
    const attached = held("attached", "n1", "1.1.1.1")
    const waiting = autoAssigned("waiting", { spec: { nodeName: "n1" }, created: "2025-01-01T00:00:00Z" })
    const older = autoAssigned("older", { spec: { nodeName: "n2" }, created: "2025-01-01T00:00:00Z" })
    const newer = autoAssigned("newer", { spec: { nodeName: "n2" }, created: "2025-06-01T00:00:00Z" })
    const o = observe({ nodes, externalIPs: [attached, waiting, newer, older] })
    assert.deepStrictEqual(moves(o).toSorted(), ["clear newer", "clear waiting"])
  })
  it("moves nothing when the label leaves a node that stays", () => {
    const o = observe({ nodes: [node("n1", { auto: false })], externalIPs: [held("a", "n1", "1.1.1.1")] })
    assert.deepStrictEqual(moves(o), [])
  })
})
