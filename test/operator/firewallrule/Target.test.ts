import { assert, describe, it } from "@effect/vitest"
import type { ExternalIP } from "../../../src/domain/ExternalIP.ts"
import type { Node } from "../../../src/domain/Node.ts"
import { targetOf } from "../../../src/operator/firewallrule/Target.ts"
import { externalIP, firewallRule, instanceIdOf, node } from "../Fixtures.ts"

const around = (nodes: ReadonlyArray<Node>, externalIPs: ReadonlyArray<ExternalIP> = []) => ({
  node: (name: string) => nodes.find((n) => n.name === name),
  nodesOfInstance: (id: string) => nodes.filter((n) => instanceIdOf(n.name) === id),
  externalIPsWithAddress: (ip: string) => externalIPs.filter((e) => e.status.publicIPAddress === ip)
})
const associated = externalIP("e", {
  status: { state: "Associated", publicIPAddress: "192.0.2.1", instanceID: instanceIdOf("node-2") }
})
const following = firewallRule("r", { publicIPAddress: "192.0.2.1" })

describe("the target of a rule", () => {
  it("is the node it names", () => {
    assert.deepStrictEqual(targetOf(firewallRule("r"), around([node("node-1")])), {
      _tag: "Node",
      nodeName: "node-1"
    })
  })
  it("F19: is none while that node does not exist: NodeNotFound", () => {
    assert.deepInclude(targetOf(firewallRule("r"), around([])), { _tag: "None", reason: "NodeNotFound" })
  })
  it("is none when nothing is named: NotRequested", () => {
    const rule = firewallRule("r", { nodeName: "" })
    assert.deepInclude(targetOf(rule, around([])), { _tag: "None", reason: "NotRequested" })
  })
  it("follows an address, which wins over the name", () => {
    const nodes = [node("node-1"), node("node-2")]
    assert.deepStrictEqual(targetOf(following, around(nodes, [associated])), {
      _tag: "Node",
      nodeName: "node-2"
    })
  })
  it("F7: is none when the address it follows is gone, with no fallback to the name", () => {
    assert.deepInclude(targetOf(following, around([node("node-1")])), {
      _tag: "None",
      reason: "NotRequested"
    })
  })
  it("is none when the address is reserved only", () => {
    const reserved = externalIP("e", { status: { state: "Reserved", publicIPAddress: "192.0.2.1" } })
    assert.deepInclude(targetOf(following, around([node("node-1")], [reserved])), { _tag: "None" })
  })
  it("is where the address is, whatever node it is meant for, until it has let go", () => {
    const nodes = [node("node-1"), node("node-2")]
    const status = { state: "Reserved", publicIPAddress: "192.0.2.1", instanceID: instanceIdOf("node-1") }
    const waiting = externalIP("a", { status })
    const onNode = (nodeName: string) => ({ _tag: "Node" as const, nodeName })
    assert.deepStrictEqual(targetOf(following, around(nodes, [waiting])), onNode("node-1"))
    // Of two that say so, the one that is on the node it names.
    assert.deepStrictEqual(targetOf(following, around(nodes, [waiting, associated])), onNode("node-2"))
    const gone = externalIP("a", { status, deleting: true, finalizers: ["example.com/other"] })
    assert.deepInclude(targetOf(following, around(nodes, [gone])), { reason: "NotRequested" })
  })
  it("is the node that the ExternalIP names where the Go implementation dropped the instance", () => {
    const status = { state: "Associated", publicIPAddress: "192.0.2.1" }
    const e = externalIP("e", { spec: { nodeName: "node-1" }, status })
    assert.deepStrictEqual(targetOf(following, around([node("node-1")], [e])), {
      _tag: "Node",
      nodeName: "node-1"
    })
  })
  it("is none when the rule can never work: InvalidRule", () => {
    const rule = firewallRule("r", { protocol: "nonsense" })
    assert.deepInclude(targetOf(rule, around([node("node-1")])), { _tag: "None", reason: "InvalidRule" })
  })
})
