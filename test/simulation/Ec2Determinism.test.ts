import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { Tag } from "../../src/domain/Names.ts"
import { simulatedInstanceId } from "../../src/simulation/Ec2.ts"
import { homeVpc } from "../../src/simulation/Ec2Instances.ts"
import type { Options } from "../../src/simulation/Ec2World.ts"
import { codeOf, inAccount, newGroup } from "./Ec2Fixtures.ts"

/** A life in which chance decides: what is visible, what is usable, who gets an address back. */
const story = (options: Options) =>
  inAccount(
    options,
    Effect.fnUntraced(function* ({ ec2, world }) {
      const told: Array<unknown> = []
      for (let i = 0; i < 10; i++) {
        const { interfaceIds } = yield* world.hand.launch({})
        const [networkInterfaceId = ""] = interfaceIds
        const { allocationId } = yield* ec2.allocateAddress({ tags: { i: String(i) } })
        yield* TestClock.adjust(Duration.seconds(2))
        const request = { allocationId, networkInterfaceId }
        const code = yield* codeOf(ec2.associateAddress(request))
        yield* world.hand.disassociate(allocationId)
        told.push(code, yield* ec2.describeAddresses({}), yield* ec2.describeNetworkInterfaces({}))
        told.push(yield* codeOf(ec2.createSecurityGroup(newGroup(`g${i}`))))
      }
      return { told, end: [world.addresses(), world.groups(), world.instances(), world.journal()] }
    })
  )

describe("a seed", () => {
  const conditions = { lag: { min: 0, max: 5_000 } }
  // Each life begins at the same hour: the journal tells times.
  const lives = (...seeds: ReadonlyArray<number>) =>
    Effect.forEach(seeds, (seed) =>
      Effect.andThen(
        TestClock.setTime(0),
        Effect.map(story({ seed, conditions }), (life) => JSON.stringify(life))
      )
    )
  it.effect("tells the same story again, byte for byte", () =>
    Effect.gen(function* () {
      const [a, b] = yield* lives(1, 1)
      assert.strictEqual(a, b)
      assert.include(a ?? "", "NotFound")
    })
  )
  it.effect("other than another seed's", () =>
    Effect.gen(function* () {
      const [a, b] = yield* lives(1, 2)
      assert.notStrictEqual(a, b)
    })
  )
  it.effect("never gives one id or address to two things", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ world }) {
        const ids = new Set<string>()
        const addresses = new Set<string | undefined>()
        for (let i = 0; i < 2_000; i++) {
          const { instanceId, interfaceIds } = yield* world.hand.launch({})
          const { allocationId, publicIp } = yield* world.hand.allocate({})
          for (const id of [instanceId, allocationId, ...interfaceIds]) ids.add(id)
          addresses.add(publicIp)
          addresses.add(world.networkInterface(interfaceIds[0] ?? "")?.publicIp?.address)
        }
        assert.strictEqual(ids.size, 6_000)
        assert.strictEqual(addresses.size, 4_000)
        for (const address of addresses)
          assert.match(address ?? "", /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./)
      })
    )
  )
})

describe("where ids are derived", () => {
  const derive = { derive: true }
  const instanceId = simulatedInstanceId("d4c1-uid-of-a-node")

  it("the instance of a node follows from its UID", () => {
    assert.match(instanceId, /^i-[0-9a-f]{17}$/)
    assert.strictEqual(simulatedInstanceId("d4c1-uid-of-a-node"), instanceId)
    assert.notStrictEqual(simulatedInstanceId("another"), instanceId)
  })
  it.effect("an unknown instance runs, with one public interface, the same after a restart", () => {
    const look = inAccount(
      derive,
      Effect.fnUntraced(function* ({ ec2 }) {
        return yield* ec2.describeInstances([instanceId, "i-short"])
      })
    )
    return Effect.gen(function* () {
      const [before, after] = [yield* look, yield* look]
      assert.deepStrictEqual(before, after)
      const [instance, ...others] = before
      assert.deepStrictEqual(others, [])
      assert.strictEqual(instance?.state, "running")
      assert.strictEqual(instance?.vpcId, homeVpc)
      assert.deepStrictEqual(
        instance?.interfaces.map((i) => [i.deviceIndex, i.publicIp?.owner]),
        [[0, "amazon"]]
      )
    })
  })
  it.effect("its interfaces can be asked for first", () =>
    inAccount(
      derive,
      Effect.fnUntraced(function* ({ ec2 }) {
        const [networkInterface] = yield* ec2.describeNetworkInterfaces({ instanceIds: [instanceId] })
        assert.strictEqual(networkInterface?.instanceId, instanceId)
      })
    )
  )
  it.effect("without it an unknown instance stays unknown", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2 }) {
        assert.deepStrictEqual(yield* ec2.describeInstances([instanceId]), [])
      })
    )
  )
  it.effect("an address follows from the UID it is tagged with, a second one of it is another", () => {
    const tags = { [Tag.uid]: "uid-of-an-object" }
    const allocate = inAccount(
      derive,
      Effect.fnUntraced(function* ({ ec2 }) {
        return [yield* ec2.allocateAddress({ tags }), yield* ec2.allocateAddress({ tags })] as const
      })
    )
    return Effect.gen(function* () {
      const [[a, b], again] = [yield* allocate, yield* allocate]
      assert.deepStrictEqual([a, b], again)
      assert.notStrictEqual(a.allocationId, b.allocationId)
      assert.notStrictEqual(a.publicIp, b.publicIp)
    })
  })
  it.effect("a group follows from its name", () => {
    const create = inAccount(
      derive,
      Effect.fnUntraced(function* ({ ec2 }) {
        yield* ec2.describeInstances([instanceId])
        return yield* ec2.createSecurityGroup(newGroup("a"))
      })
    )
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* create, yield* create)
    })
  })
  it.effect("addresses that were known are put back where they were", () =>
    Effect.gen(function* () {
      const tags = { [Tag.uid]: "uid-of-an-object" }
      const made = yield* inAccount(
        derive,
        Effect.fnUntraced(function* ({ ec2, world }) {
          const [instance] = yield* ec2.describeInstances([instanceId])
          const { allocationId } = yield* ec2.allocateAddress({ tags })
          const networkInterfaceId = instance?.interfaces[0]?.networkInterfaceId ?? ""
          yield* ec2.associateAddress({ allocationId, networkInterfaceId })
          return world.addresses()
        })
      )
      yield* inAccount(
        derive,
        Effect.fnUntraced(function* ({ ec2, world }) {
          const known = made.map(({ allocationId, publicIp, association }) => ({
            allocationId,
            publicIp,
            tags,
            instanceId,
            networkInterfaceId: association?.networkInterfaceId ?? ""
          }))
          yield* world.hand.restore([...known, ...known])
          const where = (list: typeof made) =>
            list.map((a) => [a.allocationId, a.publicIp, a.tags, a.association?.networkInterfaceId])
          assert.deepStrictEqual(where(world.addresses()), where(made))
          const [instance] = yield* ec2.describeInstances([instanceId])
          assert.strictEqual(instance?.interfaces[0]?.publicIp?.address, made[0]?.publicIp)
          const another = yield* ec2.allocateAddress({ tags })
          assert.notInclude(
            made.map((a) => a.publicIp),
            another.publicIp
          )
        })
      )
    })
  )
  it.effect("an address that was put back is given to nobody else", () =>
    Effect.gen(function* () {
      const tags = { [Tag.uid]: "uid-of-an-object" }
      const first = yield* inAccount(derive, ({ ec2 }) => ec2.allocateAddress({ tags }))
      const second = yield* inAccount(
        derive,
        Effect.fnUntraced(function* ({ ec2, world }) {
          const known = { allocationId: "eipalloc-of-another", publicIp: first.publicIp, tags: {} }
          yield* world.hand.restore([known])
          return yield* ec2.allocateAddress({ tags })
        })
      )
      assert.strictEqual(second.allocationId, first.allocationId)
      assert.notStrictEqual(second.publicIp, first.publicIp)
    })
  )
  it.effect("a known address on nothing stays on nothing", () =>
    inAccount(
      derive,
      Effect.fnUntraced(function* ({ world }) {
        yield* world.hand.restore([{ allocationId: "eipalloc-1", publicIp: "203.0.113.7", tags: {} }])
        assert.deepStrictEqual(world.addresses(), [
          { allocationId: "eipalloc-1", publicIp: "203.0.113.7", tags: {}, association: undefined }
        ])
      })
    )
  )
})
