import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import type { ExternalIP } from "../../../src/domain/ExternalIP.ts"
import { addressLabel, startupTaint } from "../../../src/domain/Names.ts"
import { placementOnAws } from "../../../src/domain/Node.ts"
import type { AddressRecord } from "../../../src/ec2/Inventory.ts"
import * as Plan from "../../../src/operator/node/Plan.ts"
import { address, attachedTo, externalIP, instance, node, seen } from "../Fixtures.ts"

const tainted = [
  { key: "other", effect: "NoSchedule" },
  { key: startupTaint, effect: "NoExecute" }
]

const observe = (
  options: Parameters<typeof node>[1],
  attached: ReadonlyArray<{ readonly address: AddressRecord; readonly externalIP: ExternalIP | undefined }>,
  isUnproven = false
): Plan.Observed => {
  const n = node("n1", options)
  return {
    node: n,
    placement: placementOnAws(n),
    sighting: seen(instance("n1")),
    isInPlay: true,
    attached: attached.map((a) => ({ ...a, isUnproven })),
    isLabelClaimed: false,
    requeueInterval: Duration.minutes(1)
  }
}

const here = address(1, "e", { association: attachedTo("n1") })
const naming = (nodeName: string) => externalIP("e", { spec: { nodeName } })
const patchOf = (o: Plan.Observed) => {
  const decision = Plan.decide(o)
  return decision._tag === "Perform" && decision.step._tag === "PatchNode" ? decision.step.patch : undefined
}

describe("a node's label and taint", () => {
  it("E12: are written together once the address is attached to this instance, other taints untouched", () => {
    const patch = patchOf(observe({ taints: tainted }, [{ address: here, externalIP: naming("n1") }]))
    assert.deepStrictEqual(patch, {
      metadata: { resourceVersion: "7", labels: { [addressLabel]: here.publicIp } },
      spec: { taints: [{ key: "other", effect: "NoSchedule" }] }
    })
  })
  it("stay as they are while nothing is attached", () => {
    assert.isUndefined(patchOf(observe({ taints: tainted }, [])))
  })
  it("stay as they are while it is in doubt whether the address is attached", () => {
    const doubtful = { ...here, isUncertain: true }
    assert.isUndefined(
      patchOf(observe({ taints: tainted }, [{ address: doubtful, externalIP: naming("n1") }]))
    )
    const labelled = { taints: [], address: here.publicIp }
    assert.isUndefined(patchOf(observe(labelled, [{ address: doubtful, externalIP: naming("n1") }])))
  })
  it("E11: the label leaves when the address is meant for another node, before it is detached", () => {
    const labelled = { address: here.publicIp }
    const patch = patchOf(observe(labelled, [{ address: here, externalIP: naming("n2") }]))
    assert.deepStrictEqual(patch, { metadata: { resourceVersion: "7", labels: { [addressLabel]: null } } })
  })
  it("the label leaves when the object is being deleted", () => {
    const going = externalIP("e", { spec: { nodeName: "n1" }, deleting: true })
    assert.isDefined(patchOf(observe({ address: here.publicIp }, [{ address: here, externalIP: going }])))
  })
  it("a label that nobody but the operator may set is put right", () => {
    assert.isDefined(patchOf(observe({ address: "192.0.2.77" }, [])))
  })
  it("the label stays with a disabled object, and with an address whose object is gone", () => {
    const disabled = externalIP("e", { spec: { nodeName: "n2", disableReconciliation: true } })
    assert.isUndefined(
      patchOf(observe({ address: here.publicIp }, [{ address: here, externalIP: disabled }]))
    )
    assert.isUndefined(
      patchOf(observe({ address: here.publicIp }, [{ address: here, externalIP: undefined }]))
    )
  })
  it("an address whose object is gone labels no node: it was detached before, and EC2 shows that late", () => {
    assert.isUndefined(patchOf(observe({}, [{ address: here, externalIP: undefined }])))
    const patch = patchOf(observe({ address: "192.0.2.77" }, [{ address: here, externalIP: undefined }]))
    assert.deepStrictEqual(patch, { metadata: { resourceVersion: "7", labels: { [addressLabel]: null } } })
  })
  it("are not written for what an earlier process attached and may have detached", () => {
    const attached = [{ address: here, externalIP: naming("n1") }]
    assert.isUndefined(patchOf(observe({ taints: tainted }, attached, true)))
    assert.isDefined(patchOf(observe({ taints: tainted }, attached, false)))
    // Another label that is wrong goes all the same.
    const patch = patchOf(observe({ address: "192.0.2.77" }, attached, true))
    assert.deepStrictEqual(patch, { metadata: { resourceVersion: "7", labels: { [addressLabel]: null } } })
  })
  it("the label stays while the address may be there, though EC2 does not show that", () => {
    const labelled = observe({ address: here.publicIp }, [])
    assert.isDefined(patchOf(labelled))
    assert.isUndefined(patchOf({ ...labelled, isLabelClaimed: true }))
  })
  it("nothing is written at rest", () => {
    const o = observe({ address: here.publicIp }, [{ address: here, externalIP: naming("n1") }])
    assert.strictEqual(Plan.decide(o)._tag, "Settled")
  })
})

describe("a node in play", () => {
  it("has its instance looked up early", () => {
    const o = { ...observe({}, []), sighting: { _tag: "Unseen" } as const }
    assert.deepInclude(Plan.decide(o), { _tag: "Perform" })
    assert.strictEqual(Plan.decide({ ...o, isInPlay: false })._tag, "Settled")
  })
})
