import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { codeOf, inAccount } from "./Ec2Fixtures.ts"

const first = <A>(list: ReadonlyArray<A>): A => {
  const [a] = list
  if (a === undefined) throw new Error("the list is empty")
  return a
}

describe("AllocateAddress", () => {
  it.effect("tags in the same call", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2 }) {
        const made = yield* ec2.allocateAddress({ tags: { a: "1" } })
        assert.match(made.allocationId, /^eipalloc-[0-9a-f]{17}$/)
        assert.deepStrictEqual(yield* ec2.describeAddresses({ tags: { a: ["1"] } }), [
          { ...made, tags: { a: "1" }, association: undefined }
        ])
      })
    )
  )
  it.effect("twice makes two: nothing makes it idempotent", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const a = yield* ec2.allocateAddress({ tags: { uid: "1" } })
        const b = yield* ec2.allocateAddress({ tags: { uid: "1" } })
        assert.notStrictEqual(a.allocationId, b.allocationId)
        assert.notStrictEqual(a.publicIp, b.publicIp)
        assert.strictEqual(world.addresses().length, 2)
      })
    )
  )
  it.effect("is refused at the quota, and allowed again when the quota is raised", () =>
    inAccount(
      { conditions: { quotas: { addresses: 1 } } },
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* ec2.allocateAddress({ tags: {} })
        assert.strictEqual(yield* codeOf(ec2.allocateAddress({ tags: {} })), "AddressLimitExceeded")
        yield* world.change({ quotas: { addresses: 2 } })
        assert.strictEqual(yield* codeOf(ec2.allocateAddress({ tags: {} })), "OK")
        assert.strictEqual(world.conditions().quotas.rulesPerGroup, 60)
      })
    )
  )
  it.effect.each<readonly [string, Record<string, string>, string]>([
    ["a reserved key", { "aws:x": "1" }, "InvalidParameterValue"],
    ["a long key", { ["k".repeat(129)]: "1" }, "InvalidParameterValue"],
    ["a long value", { k: "v".repeat(257) }, "InvalidParameterValue"],
    ["51 tags", Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, ""])), "TagLimitExceeded"],
    ["50 tags", Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, ""])), "OK"]
  ])("with %s", ([, tags, code]) =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2 }) {
        assert.strictEqual(yield* codeOf(ec2.allocateAddress({ tags })), code)
      })
    )
  )
})

describe("AssociateAddress", () => {
  it.effect("replaces the auto-assigned public address for good", () =>
    inAccount(
      { conditions: { newAutoAssignedAddress: 0 } },
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { instanceId, interfaceIds } = yield* world.hand.launch({})
        const networkInterfaceId = first(interfaceIds)
        const before = world.networkInterface(networkInterfaceId)?.publicIp
        assert.strictEqual(before?.owner, "amazon")
        const { allocationId, publicIp } = yield* ec2.allocateAddress({ tags: {} })
        const { associationId } = yield* ec2.associateAddress({ allocationId, networkInterfaceId })
        assert.notStrictEqual(before?.address, publicIp)
        assert.deepStrictEqual(first(first(yield* ec2.describeInstances([instanceId])).interfaces).publicIp, {
          address: publicIp,
          owner: "123456789012"
        })
        assert.deepStrictEqual(world.address(allocationId)?.association, {
          associationId,
          instanceId,
          networkInterfaceId
        })
        yield* ec2.disassociateAddress({ associationId })
        assert.isUndefined(world.networkInterface(networkInterfaceId)?.publicIp)
      })
    )
  )
  it.effect("of the same pair again gives the same association", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { interfaceIds } = yield* world.hand.launch({})
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        const request = { allocationId, networkInterfaceId: first(interfaceIds) }
        assert.deepStrictEqual(yield* ec2.associateAddress(request), yield* ec2.associateAddress(request))
      })
    )
  )
  it.effect("does not take an address from another interface", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const a = yield* world.hand.launch({})
        const b = yield* world.hand.launch({})
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        yield* ec2.associateAddress({ allocationId, networkInterfaceId: first(a.interfaceIds) })
        const again = ec2.associateAddress({ allocationId, networkInterfaceId: first(b.interfaceIds) })
        assert.strictEqual(yield* codeOf(again), "Resource.AlreadyAssociated")
        assert.strictEqual(world.address(allocationId)?.association?.instanceId, a.instanceId)
      })
    )
  )
  it.effect.each(["refused", "displaced"] as const)(
    "on an interface that holds another Elastic IP: %s",
    (occupiedInterface) =>
      inAccount(
        { conditions: { occupiedInterface } },
        Effect.fnUntraced(function* ({ ec2, world }) {
          const networkInterfaceId = first((yield* world.hand.launch({})).interfaceIds)
          const old = yield* ec2.allocateAddress({ tags: {} })
          const other = yield* ec2.allocateAddress({ tags: {} })
          yield* ec2.associateAddress({ allocationId: old.allocationId, networkInterfaceId })
          const code = yield* codeOf(
            ec2.associateAddress({ allocationId: other.allocationId, networkInterfaceId })
          )
          const isRefused = occupiedInterface === "refused"
          assert.strictEqual(code, isRefused ? "Resource.AlreadyAssociated" : "OK")
          const holder = isRefused ? old : other
          assert.strictEqual(world.networkInterface(networkInterfaceId)?.publicIp?.address, holder.publicIp)
          assert.deepStrictEqual(
            world.addresses().flatMap((a) => (a.association === undefined ? [] : [a.allocationId])),
            [holder.allocationId]
          )
        })
      )
  )
  it.effect("of what does not exist", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { interfaceIds } = yield* world.hand.launch({})
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        const networkInterfaceId = first(interfaceIds)
        const unknown = "eni-00000000000000000"
        assert.strictEqual(
          yield* codeOf(ec2.associateAddress({ allocationId: "eipalloc-0", networkInterfaceId })),
          "InvalidAllocationID.NotFound"
        )
        assert.strictEqual(
          yield* codeOf(ec2.associateAddress({ allocationId, networkInterfaceId: unknown })),
          "InvalidNetworkInterfaceID.NotFound"
        )
      })
    )
  )
  it.effect("waits for the instance: pending and shutting down are no states for it", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { instanceId, interfaceIds } = yield* world.hand.launch({ state: "pending" })
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        const associate = ec2.associateAddress({ allocationId, networkInterfaceId: first(interfaceIds) })
        assert.strictEqual(yield* codeOf(associate), "InvalidInstanceID")
        yield* world.hand.shutDown(instanceId)
        assert.strictEqual(yield* codeOf(associate), "IncorrectInstanceState")
        yield* world.hand.terminate(instanceId)
        assert.strictEqual(yield* codeOf(associate), "InvalidNetworkInterfaceID.NotFound")
      })
    )
  )
})

describe("DisassociateAddress", () => {
  it.effect.each<readonly [number, number, boolean]>([
    [1, 1, true],
    [1, 0, false],
    [2, 1, false]
  ])(
    "with %d interfaces, at a chance of %d, gives a new auto-assigned address: %s",
    ([count, chance, isGiven]) =>
      inAccount(
        { conditions: { newAutoAssignedAddress: chance } },
        Effect.fnUntraced(function* ({ ec2, world }) {
          const interfaces = Array.from({ length: count }, () => ({ isPublic: true }))
          const networkInterfaceId = first((yield* world.hand.launch({ interfaces })).interfaceIds)
          const before = world.networkInterface(networkInterfaceId)?.publicIp?.address
          const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
          yield* ec2.disassociateAddress(yield* ec2.associateAddress({ allocationId, networkInterfaceId }))
          const after = world.networkInterface(networkInterfaceId)?.publicIp
          assert.strictEqual(after !== undefined, isGiven)
          if (after !== undefined) assert.strictEqual(after.owner, "amazon")
          assert.notStrictEqual(after?.address, before)
          assert.isUndefined(world.address(allocationId)?.association)
        })
      )
  )
  it.effect("gives one sometimes", () =>
    inAccount(
      { seed: 7 },
      Effect.fnUntraced(function* ({ ec2, world }) {
        let given = 0
        for (let i = 0; i < 40; i++) {
          const networkInterfaceId = first((yield* world.hand.launch({})).interfaceIds)
          const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
          yield* world.hand.moveAddress(allocationId, networkInterfaceId)
          yield* world.hand.disassociate(allocationId)
          if (world.networkInterface(networkInterfaceId)?.publicIp !== undefined) given++
        }
        assert.isTrue(given > 5 && given < 35)
      })
    )
  )
  it.effect.each([
    ["accepted", "OK"],
    ["NotFound", "InvalidAssociationID.NotFound"]
  ] as const)("again is %s: %s", ([repeatedDisassociation, code]) =>
    inAccount(
      { conditions: { repeatedDisassociation } },
      Effect.fnUntraced(function* ({ ec2, world }) {
        const networkInterfaceId = first((yield* world.hand.launch({})).interfaceIds)
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        const association = yield* ec2.associateAddress({ allocationId, networkInterfaceId })
        yield* ec2.disassociateAddress(association)
        const { associationId } = yield* ec2.associateAddress({ allocationId, networkInterfaceId })
        assert.strictEqual(yield* codeOf(ec2.disassociateAddress(association)), code)
        assert.strictEqual(world.address(allocationId)?.association?.associationId, associationId)
        assert.strictEqual(
          yield* codeOf(ec2.disassociateAddress({ associationId: "eipassoc-0" })),
          "InvalidAssociationID.NotFound"
        )
      })
    )
  )
})

describe("ReleaseAddress", () => {
  it.effect("is refused while the address is attached", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const networkInterfaceId = first((yield* world.hand.launch({})).interfaceIds)
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        const association = yield* ec2.associateAddress({ allocationId, networkInterfaceId })
        assert.strictEqual(yield* codeOf(ec2.releaseAddress({ allocationId })), "InvalidIPAddress.InUse")
        yield* ec2.disassociateAddress(association)
        assert.strictEqual(yield* codeOf(ec2.releaseAddress({ allocationId })), "OK")
        assert.deepStrictEqual(world.addresses(), [])
      })
    )
  )
  it.effect.each([
    ["NotFound", "InvalidAllocationID.NotFound"],
    ["AuthFailure", "AuthFailure"]
  ] as const)("again is %s: %s", ([repeatedRelease, code]) =>
    inAccount(
      { conditions: { repeatedRelease } },
      Effect.fnUntraced(function* ({ ec2 }) {
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        yield* ec2.releaseAddress({ allocationId })
        assert.strictEqual(yield* codeOf(ec2.releaseAddress({ allocationId })), code)
        assert.strictEqual(
          yield* codeOf(ec2.releaseAddress({ allocationId: "eipalloc-0" })),
          "InvalidAllocationID.NotFound"
        )
      })
    )
  )
})

describe("by hand", () => {
  it.effect("an address is moved from where it is, and displaces what is there", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ world }) {
        const a = first((yield* world.hand.launch({})).interfaceIds)
        const b = first((yield* world.hand.launch({})).interfaceIds)
        const moved = yield* world.hand.allocate({})
        const displaced = yield* world.hand.allocate({})
        yield* world.hand.moveAddress(moved.allocationId, a)
        yield* world.hand.moveAddress(displaced.allocationId, b)
        yield* world.hand.moveAddress(moved.allocationId, b)
        assert.strictEqual(world.address(moved.allocationId)?.association?.networkInterfaceId, b)
        assert.isUndefined(world.address(displaced.allocationId)?.association)
        assert.strictEqual(world.networkInterface(b)?.publicIp?.address, moved.publicIp)
        assert.notStrictEqual(world.networkInterface(a)?.publicIp?.address, moved.publicIp)
      })
    )
  )
  it.effect("an attached address is released", () =>
    inAccount(
      { conditions: { newAutoAssignedAddress: 0 } },
      Effect.fnUntraced(function* ({ world }) {
        const networkInterfaceId = first((yield* world.hand.launch({})).interfaceIds)
        const { allocationId } = yield* world.hand.allocate({})
        yield* world.hand.moveAddress(allocationId, networkInterfaceId)
        yield* world.hand.release(allocationId)
        assert.deepStrictEqual(world.addresses(), [])
        assert.isUndefined(world.networkInterface(networkInterfaceId)?.publicIp)
      })
    )
  )
})
