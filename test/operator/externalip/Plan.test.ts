import { assert, describe, it } from "@effect/vitest"
import { find } from "../../../src/domain/Condition.ts"
import type { ExternalIP } from "../../../src/domain/ExternalIP.ts"
import { Tag } from "../../../src/domain/Names.ts"
import { placementOnAws } from "../../../src/domain/Node.ts"
import type { AddressRecord } from "../../../src/ec2/Inventory.ts"
import * as Plan from "../../../src/operator/externalip/Plan.ts"
import * as Status from "../../../src/operator/externalip/Status.ts"
import {
  address,
  attachedTo,
  clusterId,
  externalIP,
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

const observe = ({ memory, policy, ...o }: Overrides): Plan.Observed => ({
  now: t0 + 1000,
  runBegan: t0,
  object: undefined,
  addresses: [],
  statusAddress: undefined,
  isStatusAddressReleased: false,
  statusAddressMissingSince: undefined,
  node: undefined,
  placement: undefined,
  sighting: undefined,
  rivals: [],
  labelledElsewhere: [],
  isLabelled: false,
  isUnproven: false,
  isHidden: false,
  ownOnNode: [],
  claimant: undefined,
  elsewhere: undefined,
  groupIds: [],
  ...o,
  memory: {
    isIntentUnsent: false,
    isIntentAnswered: false,
    lastEmptyRead: undefined,
    isSearched: true,
    ...memory
  },
  policy: {
    clusterId,
    adoptClusterIds: [],
    extraTags: {},
    vpcId: undefined,
    interfaceSelection: "public",
    ...policy
  }
})

/** On a node that exists, runs and is known. */
const on = (nodeName: string) => {
  const n = node(nodeName)
  return { node: n, placement: placementOnAws(n), sighting: seen(instance(nodeName)) }
}

/** The step as a short word, or "settled". */
const word = (o: Plan.Observed): string => {
  const decision = Plan.decide(o)
  return decision._tag === "Perform" ? decision.step._tag : "settled"
}

const written = (o: Plan.Observed) => {
  const decision = Plan.decide(o)
  return decision._tag === "Perform" && decision.step._tag === "WriteStatus"
    ? decision.step.status
    : undefined
}

const readyReason = (o: Plan.Observed): string | undefined =>
  find(written(o)?.conditions ?? [], "Ready")?.reason

const withStatus = (e: ExternalIP, outcome: Status.Outcome, at = t0): ExternalIP => ({
  ...e,
  status: Status.render(e, outcome, at)
})
const reserved = (e: ExternalIP, a: AddressRecord) => withStatus(e, Status.reserved(e, a))
const naming = (nodeName: string) => externalIP("e", { spec: { nodeName } })

describe("the finalizer", () => {
  it("is there before anything is done in EC2", () => {
    assert.strictEqual(word(observe({ object: externalIP("e", { finalizers: [] }) })), "AddFinalizer")
  })
  it("E20: is not added to an object that is being deleted", () => {
    assert.strictEqual(
      word(observe({ object: externalIP("e", { finalizers: [], deleting: true }) })),
      "settled"
    )
  })
  it("goes last, once nothing is left", () => {
    assert.strictEqual(word(observe({ object: externalIP("e", { deleting: true }) })), "RemoveFinalizer")
  })
})

describe("allocation", () => {
  const allocating = withStatus(externalIP("e"), Status.allocating(externalIP("e")))
  it("writes its intent first", () => {
    assert.strictEqual(word(observe({ object: externalIP("e") })), "Intend")
  })
  it("is sent at once after its own intent", () => {
    assert.strictEqual(word(observe({ object: allocating, memory: { isIntentUnsent: true } })), "Allocate")
  })
  it("carries the tags that find it again", () => {
    const decision = Plan.decide(observe({ object: allocating, memory: { isIntentUnsent: true } }))
    assert(decision._tag === "Perform" && decision.step._tag === "Allocate")
    assert.deepInclude(decision.step.tags, {
      [Tag.clusterId]: clusterId,
      [Tag.externalIPName]: "e",
      [Tag.uid]: "uid-e",
      [Tag.managed]: "true"
    })
  })
  // After an intent whose outcome is unknown: seconds since the intent, last empty read, what is done.
  const recovery: ReadonlyArray<readonly [number, number | undefined, string]> = [
    [1, undefined, "settled"],
    [2, undefined, "ReadAddresses"],
    [3, 2, "settled"],
    [5, 2, "ReadAddresses"],
    [9, 5, "settled"],
    [10, 5, "ReadAddresses"],
    [30, 10, "ReadAddresses"],
    [60, 30, "ReadAddresses"],
    [119, 60, "settled"],
    [120, 60, "ReadAddresses"],
    [120, 120, "WriteStatus"]
  ]
  for (const [seconds, lastRead, expected] of recovery) {
    it(`E10: ${seconds} s after a lost reply, last looked at ${lastRead ?? "never"}: ${expected}`, () => {
      const o = observe({
        object: allocating,
        now: t0 + seconds * 1000,
        memory: { lastEmptyRead: lastRead === undefined ? undefined : t0 + lastRead * 1000 }
      })
      assert.strictEqual(word(o), expected)
    })
  }
  it("gives the intent up before it writes a new one, so that its time moves", () => {
    const object = allocating
    const o = observe({ object, now: t0 + 121_000, memory: { lastEmptyRead: t0 + 120_000 } })
    const status = written(o)
    assert.strictEqual(find(status?.conditions ?? [], "IPCreated")?.reason, "ProviderError")
    const next = observe({ ...o, object: { ...object, status: status ?? {} } })
    assert.strictEqual(word(next), "Intend")
  })
  it("adopts an address as soon as it is seen", () => {
    assert.strictEqual(word(observe({ object: allocating, addresses: [address(1, "e")] })), "WriteStatus")
  })
  it("says Reserved with id and address before it attaches", () => {
    const o = observe({ object: naming("n1"), addresses: [address(1, "e")], ...on("n1") })
    assert.deepInclude(written(o), {
      state: "Reserved",
      addressID: "eipalloc-1",
      publicIPAddress: "198.51.100.1"
    })
  })
  it("takes the address in status, else the attached one, else the smallest id", () => {
    const free = address(1, "e")
    const attached = address(2, "e", { association: attachedTo("n1") })
    const last = address(3, "e")
    assert.strictEqual(Plan.pick([last, attached, free], "eipalloc-3"), last)
    assert.strictEqual(Plan.pick([last, attached, free], undefined), attached)
    assert.strictEqual(Plan.pick([last, free], undefined), free)
  })
  it("releases an extra address only when it is unattached and made for this very object", () => {
    const kept = address(1, "e")
    const object = reserved(externalIP("e"), kept)
    const at = (extra: AddressRecord) =>
      word(observe({ object, addresses: [kept, extra], statusAddress: kept }))
    assert.strictEqual(at(address(2, "e")), "Release")
    assert.strictEqual(at(address(2, "e", { association: attachedTo("x") })), "settled")
    assert.strictEqual(at(address(2, "e", { tagged: { [Tag.uid]: "another" } })), "settled")
  })
  it("reads an extra address again whose release was not answered", () => {
    const kept = address(1, "e")
    const object = reserved(externalIP("e"), kept)
    const doubtful = { ...address(2, "e"), isUncertain: true }
    const decision = Plan.decide(observe({ object, addresses: [kept, doubtful], statusAddress: kept }))
    assert(decision._tag === "Perform" && decision.step._tag === "ReadAddress")
    assert.strictEqual(decision.step.allocationId, doubtful.allocationId)
  })
  it("attaches its address first, whatever becomes of an extra one", () => {
    const kept = address(1, "e")
    const object = reserved(externalIP("e", { spec: { nodeName: "n1" } }), kept)
    for (const extra of [address(2, "e"), { ...address(2, "e"), isUncertain: true }]) {
      const o = observe({ ...on("n1"), object, addresses: [kept, extra], statusAddress: kept })
      assert.strictEqual(word(o), "Associate")
    }
  })
})

describe("an address that is not ours", () => {
  const foreign = address(1, "e", { tagged: { [Tag.clusterId]: "unset" } })
  const object = reserved(naming("n1"), foreign)
  it("is never replaced, and nothing is allocated: AddressNotOwned", () => {
    const o = observe({ object, statusAddress: foreign, ...on("n1") })
    assert.strictEqual(readyReason(o), "AddressNotOwned")
  })
  it("is taken over by name of its cluster id", () => {
    const policy = { adoptClusterIds: ["unset"] }
    const o = observe({ object, addresses: [foreign], statusAddress: foreign, policy, ...on("n1") })
    const decision = Plan.decide(o)
    assert(decision._tag === "Perform" && decision.step._tag === "TagAddress")
    assert.strictEqual(decision.step.tags[Tag.clusterId], clusterId)
  })
  it("is left alone when the object is deleted", () => {
    const deleting = {
      ...object,
      metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" }
    }
    assert.strictEqual(word(observe({ object: deleting, statusAddress: foreign })), "RemoveFinalizer")
  })
})

describe("an address named in status that EC2 does not show", () => {
  const known = address(1, "e")
  const object = withStatus(
    naming("n1"),
    Status.associated(naming("n1"), known, { instanceId: "i", networkInterfaceId: "eni" })
  )
  it("is asked for by id first", () => {
    assert.strictEqual(word(observe({ object })), "ReadAddress")
  })
  it("is waited for inside the visibility window", () => {
    assert.strictEqual(word(observe({ object, statusAddressMissingSince: t0 + 1 })), "settled")
  })
  it("is replaced after it", () => {
    const o = observe({
      object,
      now: t0 + 130_000,
      runBegan: t0 + 129_000,
      statusAddressMissingSince: t0 + 129_500
    })
    assert.strictEqual(word(o), "Intend")
  })
  it("does not hold up the allocation that replaces it", () => {
    const replaced = withStatus(object, Status.allocating(object), t0 + 130_000)
    const o = observe({ object: replaced, now: t0 + 131_000, memory: { isIntentUnsent: true } })
    assert.strictEqual(word(o), "Allocate")
  })
})

describe("attaching", () => {
  const free = address(1, "e")
  const object = reserved(naming("n1"), free)
  const base = { object, addresses: [free], statusAddress: free }

  it("associates with the interface that has a public IP", () => {
    const decision = Plan.decide(observe({ ...base, ...on("n1") }))
    assert(decision._tag === "Perform" && decision.step._tag === "Associate")
    assert.strictEqual(decision.step.networkInterfaceId, "eni-n1")
  })
  it("E7: looks again at an instance that was read before this run and had no public interface", () => {
    const bare = instance("n1", { interfaces: [networkInterface("n1", { publicIp: undefined })] })
    const stale = observe({ ...base, ...on("n1"), sighting: seen(bare, t0 - 1) })
    assert.strictEqual(word(stale), "LookUpInstance")
    const fresh = observe({ ...base, ...on("n1"), sighting: seen(bare, t0 + 1) })
    assert.strictEqual(readyReason(fresh), "NoPublicInterface")
  })
  const refusals: ReadonlyArray<readonly [string, string, Overrides]> = [
    ["the node does not exist", "NodeNotFound", {}],
    [
      "the node is no EC2 instance",
      "UnsupportedNode",
      ((n) => ({ node: n, placement: placementOnAws(n) }))(node("n1", { providerID: "kind://docker/kind/x" }))
    ],
    ["the instance is in another VPC", "OtherVpc", { ...on("n1"), policy: { vpcId: "vpc-other" } }],
    [
      "the interface holds another Elastic IP",
      "NodeAlreadyHasAddress",
      {
        ...on("n1"),
        sighting: seen(
          instance("n1", {
            interfaces: [
              networkInterface("n1", { publicIp: { address: "192.0.2.1", owner: "123456789012" } })
            ]
          })
        )
      }
    ],
    [
      "another ExternalIP is attached there",
      "NodeAlreadyHasAddress",
      { ...on("n1"), rivals: [{ externalIP: externalIP("other"), isAttached: true }] }
    ],
    [
      "an older ExternalIP names the node",
      "NodeAlreadyHasAddress",
      {
        ...on("n1"),
        rivals: [{ externalIP: externalIP("old", { created: "2020-01-01T00:00:00Z" }), isAttached: false }]
      }
    ]
  ]
  for (const [why, reason, o] of refusals) {
    it(`refuses when ${why}: ${reason}`, () => {
      const observed = observe({ ...base, ...o })
      assert.strictEqual(readyReason(observed), reason)
      assert.strictEqual(written(observed)?.publicIPAddress, free.publicIp)
    })
  }
  it("goes before a younger ExternalIP that names the same node", () => {
    const young = externalIP("young", { created: "2030-01-01T00:00:00Z" })
    const o = observe({ ...base, ...on("n1"), rivals: [{ externalIP: young, isAttached: false }] })
    assert.strictEqual(word(o), "Associate")
  })
  it("E16: the attached one of two keeps the node although it is the younger", () => {
    const here = address(1, "e", { association: attachedTo("n1") })
    const older = externalIP("old", { created: "2020-01-01T00:00:00Z" })
    const attached = withStatus(
      object,
      Status.associated(object, here, { instanceId: instanceIdOf("n1"), networkInterfaceId: "eni-n1" })
    )
    const o = observe({
      ...on("n1"),
      object: attached,
      addresses: [here],
      statusAddress: here,
      rivals: [{ externalIP: older, isAttached: false }]
    })
    assert.strictEqual(word(o), "settled")
  })
  it("E21: without a node it is Reserved and Ready, and its association NotRequested", () => {
    const o = observe({ object: externalIP("e"), addresses: [free] })
    const status = Status.render(externalIP("e"), Status.reserved(externalIP("e"), free), t0)
    assert.strictEqual(find(status.conditions ?? [], "NetworkInterfaceAssociated")?.reason, "NotRequested")
    assert.strictEqual(find(status.conditions ?? [], "Ready")?.status, "True")
    assert.strictEqual(written(o)?.state, "Reserved")
  })
})

describe("moving", () => {
  const there = address(1, "e", { association: attachedTo("old") })
  const object = withStatus(
    naming("n1"),
    Status.associated(naming("n1"), there, { instanceId: instanceIdOf("old"), networkInterfaceId: "eni-old" })
  )
  const base = { object, addresses: [there], statusAddress: there, ...on("n1") }
  it("waits until the label has left the old node", () => {
    assert.strictEqual(word(observe({ ...base, labelledElsewhere: ["old"] })), "settled")
  })
  it("then disassociates, then associates", () => {
    assert.strictEqual(word(observe(base)), "Disassociate")
    const off = { ...there, association: undefined }
    assert.strictEqual(word(observe({ ...base, addresses: [off], statusAddress: off })), "Associate")
  })
  const held = seen(
    instance("n1", {
      interfaces: [networkInterface("n1", { publicIp: { address: "192.0.2.1", owner: "123456789012" } })]
    })
  )
  const others: ReadonlyArray<readonly [string, Overrides]> = [
    ["belongs to another ExternalIP", { rivals: [{ externalIP: externalIP("other"), isAttached: true }] }],
    ["holds another Elastic IP", { sighting: held }],
    ["is none of EC2", { placement: { _tag: "Unsupported", providerID: "kind://" } }]
  ]
  const unready: ReadonlyArray<readonly [string, Overrides]> = [
    ["does not exist", { node: undefined, placement: undefined }],
    ["has no providerID yet", { placement: { _tag: "NotYet" } }]
  ]
  const [free, askedFor] = [{ isAskedFor: false }, { isAskedFor: true }]
  const leaves = (o: Overrides) => {
    assert.strictEqual(word(observe({ ...base, ...o, labelledElsewhere: ["old"] })), "settled")
    assert.strictEqual(word(observe({ ...base, ...o })), "Disassociate")
    const off = { ...there, association: undefined }
    assert.strictEqual(word(observe({ ...base, ...o, addresses: [off], statusAddress: off })), "WriteStatus")
  }
  for (const [why, o] of others) {
    it(`leaves a node that it does not name also when the new one ${why}`, () => {
      leaves({ ...o, elsewhere: free })
    })
    it(`stays on an instance that is no node's while the new node ${why}`, () => {
      assert.strictEqual(word(observe({ ...base, ...o })), "WriteStatus")
    })
  }
  for (const [why, o] of unready) {
    it(`stays where it is while the new node ${why}, unless others ask for the old one`, () => {
      assert.strictEqual(word(observe({ ...base, ...o, elsewhere: free })), "WriteStatus")
      leaves({ ...o, elsewhere: askedFor })
    })
  }
  it("off a node that is no longer named", () => {
    const cleared = { ...object, spec: externalIP("e").spec }
    assert.strictEqual(word(observe({ ...base, object: cleared })), "Disassociate")
  })
})

describe("deletion", () => {
  const there = address(1, "e", { association: attachedTo("n1") })
  const off = { ...there, association: undefined }
  const object = (spec: Readonly<Record<string, unknown>> = {}) =>
    reserved(externalIP("e", { deleting: true, spec: { nodeName: "n1", ...spec } }), there)
  it("takes label, association and address away in that order", () => {
    const base = { object: object(), ...on("n1") }
    const at = (a: AddressRecord, isLabelled: boolean) =>
      word(observe({ ...base, addresses: [a], statusAddress: a, isLabelled }))
    assert.strictEqual(at(there, true), "settled")
    assert.strictEqual(at(there, false), "Disassociate")
    assert.strictEqual(at(off, false), "Release")
    assert.strictEqual(
      word(observe({ ...base, statusAddressMissingSince: t0 + 1, now: t0 + 200_000 })),
      "RemoveFinalizer"
    )
  })
  it("keeps the address where that was asked for, and where the spec cannot be read", () => {
    const at = (spec: Readonly<Record<string, unknown>>) =>
      word(observe({ object: object(spec), addresses: [off], statusAddress: off }))
    assert.strictEqual(at({ preventEIPDeallocation: true }), "RemoveFinalizer")
    assert.strictEqual(at({ nodeName: 7 }), "RemoveFinalizer")
    assert.strictEqual(at({}), "Release")
  })
  it("looks by tag once more before letting go of an object that was allocated for: a request may be delivered twice", () => {
    const gone = { object: object(), statusAddressMissingSince: t0 + 1, now: t0 + 200_000 }
    assert.strictEqual(word(observe({ ...gone, memory: { isSearched: false } })), "ReadAddresses")
    const never = externalIP("e", { deleting: true })
    assert.strictEqual(word(observe({ object: never, memory: { isSearched: false } })), "RemoveFinalizer")
  })
  it("F20 for addresses: honours the deletion of a disabled object", () => {
    const disabled = object({ disableReconciliation: true })
    assert.strictEqual(word(observe({ object: disabled, addresses: [off], statusAddress: off })), "Release")
  })
  it("while an allocation is unanswered looks for its address before letting go", () => {
    const deleting = externalIP("e", { deleting: true })
    const allocating = withStatus(deleting, Status.allocating(deleting))
    assert.strictEqual(word(observe({ object: allocating, now: t0 + 3000 })), "ReadAddresses")
    const late = { now: t0 + 121_000, memory: { lastEmptyRead: t0 + 120_500 } }
    assert.strictEqual(word(observe({ object: allocating, ...late })), "RemoveFinalizer")
  })
  it("waits for no allocation whose outcome it knows", () => {
    const deleting = externalIP("e", { deleting: true })
    const allocating = withStatus(deleting, Status.allocating(deleting))
    const at = (memory: Partial<Plan.Memory>) => word(observe({ object: allocating, now: t0 + 3000, memory }))
    assert.strictEqual(at({ isIntentUnsent: true }), "RemoveFinalizer")
    assert.strictEqual(at({ isIntentAnswered: true }), "RemoveFinalizer")
  })
})

describe("an association that an earlier process left", () => {
  const here = address(1, "e", { association: attachedTo("n1") })
  const inherited = observe({
    object: reserved(naming("n1"), here),
    addresses: [here],
    statusAddress: here,
    isUnproven: true,
    ...on("n1")
  })
  it("is made again, since it may have been ended", () => {
    const decision = Plan.decide(inherited)
    assert(decision._tag === "Perform" && decision.step._tag === "Associate")
    assert.deepInclude(decision.step, { instanceId: instanceIdOf("n1"), networkInterfaceId: "eni-n1" })
    assert.strictEqual(word({ ...inherited, isUnproven: false }), "WriteStatus")
  })
  it("is not made again on an interface that is shown to hold another one", () => {
    const held = networkInterface("n1", { publicIp: { address: "192.0.2.9", owner: "somebody" } })
    const taken = { ...inherited, sighting: seen(instance("n1", { interfaces: [held] })) }
    assert.strictEqual(readyReason(taken), "NodeAlreadyHasAddress")
    assert.strictEqual(word({ ...taken, runBegan: t0 + 1 }), "ReadAddress")
  })
  it("is not made again, nor any other, on a node whose label tells of another one", () => {
    const claimed = { ...inherited, claimant: "192.0.2.9" }
    assert.strictEqual(readyReason(claimed), "NodeAlreadyHasAddress")
    assert.strictEqual(word({ ...claimed, runBegan: t0 + 1 }), "ReadAddress")
    const free = address(1, "e")
    assert.strictEqual(
      readyReason({ ...claimed, addresses: [free], isUnproven: false }),
      "NodeAlreadyHasAddress"
    )
  })
  it("is said to be as it was, where it cannot be made again", () => {
    const attached = Status.associated(naming("n1"), here, { instanceId: "i", networkInterfaceId: "eni" })
    const o = observe({ ...inherited, object: withStatus(naming("n1"), attached) })
    const decision = Plan.decide(o)
    assert(decision._tag === "Perform")
    const failure = { reason: "Throttled", message: "slow down", isAmbiguous: false } as const
    assert.isUndefined(Plan.failureStatus(o, decision.step, failure))
    assert.isDefined(Plan.failureStatus({ ...o, object: inherited.object }, decision.step, failure))
    // The same for one that only the label tells of.
    const free = address(1, "e")
    const hidden = { ...o, addresses: [free], isUnproven: false, isHidden: true }
    const { step } = { step: undefined, ...Plan.decide(hidden) }
    assert(step?._tag === "Associate")
    assert.isUndefined(Plan.failureStatus(hidden, step, failure))
    assert.isDefined(Plan.failureStatus({ ...hidden, isHidden: false }, step, failure))
    // Nor is it said to be gone while another one may be there.
    assert.strictEqual(word({ ...o, claimant: "192.0.2.9" }), "Wait")
  })
  it("is made again where only the label of the node tells of it, whatever EC2 shows of yesterday", () => {
    const there = address(1, "e", { association: attachedTo("n2") })
    const older = {
      externalIP: externalIP("d", { spec: { nodeName: "n1" }, created: "2020-01-01T00:00:00Z" }),
      isAttached: true
    }
    const held = networkInterface("n1", { publicIp: { address: "192.0.2.9", owner: "us" } })
    const o = {
      ...inherited,
      addresses: [there],
      isUnproven: false,
      isHidden: true,
      rivals: [older],
      sighting: seen(instance("n1", { interfaces: [held] }))
    }
    const ours = Plan.decide({ ...o, ownOnNode: ["192.0.2.9"] })
    assert(ours._tag === "Perform" && ours.step._tag === "Associate")
    assert.strictEqual(ours.step.networkInterfaceId, "eni-n1")
    assert.strictEqual(readyReason(o), "NodeAlreadyHasAddress")
    assert.strictEqual(readyReason({ ...o, isHidden: false }), "NodeAlreadyHasAddress")
    // EC2 does not know the instance yet: it is neither taken off the other one nor said to be nowhere.
    const attached = Status.associated(naming("n1"), there, { instanceId: "i", networkInterfaceId: "eni" })
    const unknown = {
      ...o,
      object: withStatus(naming("n1"), attached),
      sighting: { _tag: "Gone", readAt: t0 } as const
    }
    assert.strictEqual(word(unknown), "Wait")
    assert.strictEqual(word({ ...unknown, isHidden: false, rivals: [] }), "WriteStatus")
  })
  it("is ended where it is on another node, like any other", () => {
    const elsewhere = { ...inherited, object: reserved(naming("n2"), here), ...on("n2") }
    assert.strictEqual(word(elsewhere), "Disassociate")
  })
})

describe("status", () => {
  it("E13: instance and interface stay while attached, on every pass", () => {
    const here = address(1, "e", { association: attachedTo("n1") })
    const first = observe({
      object: reserved(naming("n1"), here),
      addresses: [here],
      statusAddress: here,
      ...on("n1")
    })
    const status = written(first)
    assert.deepInclude(status, { instanceID: instanceIdOf("n1"), networkInterfaceID: "eni-n1" })
    const second = observe({ ...first, object: { ...naming("n1"), status: status ?? {} } })
    assert.strictEqual(word(second), "settled")
  })
  it("E9: a throttled describe blanks nothing", () => {
    const here = address(1, "e", { association: attachedTo("n1") })
    const o = observe({ object: reserved(naming("n1"), here), addresses: [here], ...on("n1") })
    const status = Plan.failureStatus(
      o,
      { _tag: "LookUpInstance", instanceId: "i" },
      {
        reason: "Throttled",
        message: "slow down",
        isAmbiguous: false
      }
    )
    assert.strictEqual(status?.addressID, here.allocationId)
    assert.strictEqual(status?.publicIPAddress, here.publicIp)
  })
  it("an unanswered allocation leaves the intent in place", () => {
    const o = observe({ object: externalIP("e") })
    const failure = { reason: "ProviderError", message: "reset", isAmbiguous: true } as const
    assert.isUndefined(Plan.failureStatus(o, { _tag: "Allocate", tags: {} }, failure))
  })
  it("a disabled object keeps its state, and says so", () => {
    const here = address(1, "e", { association: attachedTo("n1") })
    const attached = withStatus(
      naming("n1"),
      Status.associated(naming("n1"), here, { instanceId: "i", networkInterfaceId: "eni" })
    )
    const disabled = externalIP("e", { spec: { nodeName: "n1", disableReconciliation: true } })
    const status = written(observe({ object: { ...disabled, status: attached.status } }))
    assert.strictEqual(status?.state, "Associated")
    assert.deepInclude(find(status?.conditions ?? [], "Ready"), {
      status: "Unknown",
      reason: "ReconciliationDisabled"
    })
  })
})
