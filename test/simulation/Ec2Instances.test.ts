import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { codeOf, inAccount } from "./Ec2Fixtures.ts"

describe("an instance", () => {
  it.effect("that is unknown is left out of an answer by filter", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { instanceId } = yield* world.hand.launch({})
        const found = yield* ec2.describeInstances(["i-00000000000000000", instanceId])
        assert.deepStrictEqual(
          found.map((i) => i.instanceId),
          [instanceId]
        )
      })
    )
  )
  it.effect("has its interfaces by device index, public or not", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const interfaces = [{ isPublic: false }, { isPublic: true }]
        const { instanceId, providerID } = yield* world.hand.launch({ interfaces, zone: "eu-west-1b" })
        assert.strictEqual(providerID, `aws:///eu-west-1b/${instanceId}`)
        const [instance] = yield* ec2.describeInstances([instanceId])
        assert.deepStrictEqual(
          instance?.interfaces.map((i) => [i.deviceIndex, i.publicIp?.owner, i.groupIds.length]),
          [
            [0, undefined, 1],
            [1, "amazon", 1]
          ]
        )
      })
    )
  )
  it.effect("that terminates leaves its addresses allocated and its groups free", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { instanceId, interfaceIds } = yield* world.hand.launch({})
        const [networkInterfaceId = ""] = interfaceIds
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        const { groupId } = yield* world.hand.createGroup({ name: "a" })
        yield* world.hand.attachGroup(networkInterfaceId, groupId)
        yield* ec2.associateAddress({ allocationId, networkInterfaceId })
        yield* world.hand.shutDown(instanceId)
        assert.isDefined(world.address(allocationId)?.association)
        yield* world.hand.terminate(instanceId)
        assert.isDefined(world.address(allocationId))
        assert.isUndefined(world.address(allocationId)?.association)
        assert.strictEqual(yield* codeOf(ec2.deleteSecurityGroup({ groupId })), "OK")
        assert.deepStrictEqual(world.interfaces(), [])
      })
    )
  )
  it.effect("that is terminated stays visible for an hour, without VPC and interfaces", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { instanceId } = yield* world.hand.launch({})
        yield* world.hand.terminate(instanceId)
        assert.strictEqual(yield* codeOf(world.hand.terminate(instanceId)), "OK")
        yield* TestClock.adjust(Duration.minutes(59))
        const terminated = { instanceId, state: "terminated", vpcId: undefined, interfaces: [] } as const
        assert.deepStrictEqual(yield* ec2.describeInstances([instanceId]), [terminated])
        yield* TestClock.adjust(Duration.minutes(1))
        assert.deepStrictEqual(yield* ec2.describeInstances([instanceId]), [])
        assert.deepStrictEqual(world.instances(), [])
      })
    )
  )
  it.effect("that stops loses an auto-assigned address, and gets another one when it starts", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ world }) {
        const { instanceId, interfaceIds } = yield* world.hand.launch({})
        const [id = ""] = interfaceIds
        const before = world.networkInterface(id)?.publicIp
        yield* world.hand.stop(instanceId)
        assert.isUndefined(world.networkInterface(id)?.publicIp)
        yield* world.hand.start(instanceId)
        assert.strictEqual(world.networkInterface(id)?.publicIp?.owner, "amazon")
        assert.notDeepEqual(world.networkInterface(id)?.publicIp, before)
      })
    )
  )
  it.effect("that stops keeps an Elastic IP", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { instanceId, interfaceIds } = yield* world.hand.launch({})
        const [networkInterfaceId = ""] = interfaceIds
        const { allocationId, publicIp } = yield* ec2.allocateAddress({ tags: {} })
        yield* ec2.associateAddress({ allocationId, networkInterfaceId })
        yield* world.hand.stop(instanceId)
        yield* world.hand.start(instanceId)
        assert.strictEqual(world.networkInterface(networkInterfaceId)?.publicIp?.address, publicIp)
      })
    )
  )
  it.effect("changes its state only from a fitting one", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ world }) {
        const { instanceId } = yield* world.hand.launch({ state: "pending" })
        assert.strictEqual(yield* codeOf(world.hand.stop(instanceId)), "IncorrectInstanceState")
        assert.strictEqual(yield* codeOf(world.hand.run(instanceId)), "OK")
        assert.strictEqual(yield* codeOf(world.hand.run(instanceId)), "IncorrectInstanceState")
        assert.strictEqual(yield* codeOf(world.hand.stop("i-0")), "InvalidInstanceID.NotFound")
        assert.strictEqual(yield* codeOf(world.hand.terminate("i-0")), "InvalidInstanceID.NotFound")
      })
    )
  )
})
