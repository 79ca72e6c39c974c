import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { exactly } from "../../src/simulation/Draw.ts"
import * as Visibility from "../../src/simulation/Ec2Visibility.ts"
import { codeOf, inAccount, newGroup, permission, rules } from "./Ec2Fixtures.ts"

const tenSeconds = { conditions: { lag: exactly(10_000) } }

describe("while its lag lasts", () => {
  it.effect("what was just made is missing from describes", () =>
    inAccount(
      tenSeconds,
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { allocationId } = yield* ec2.allocateAddress({ tags: { k: "v" } })
        assert.isDefined(world.address(allocationId))
        yield* TestClock.adjust(Duration.millis(9_999))
        assert.deepStrictEqual(yield* ec2.describeAddresses({ tags: { k: ["v"] } }), [])
        yield* TestClock.adjust(Duration.millis(1))
        assert.strictEqual((yield* ec2.describeAddresses({ allocationIds: [allocationId] })).length, 1)
      })
    )
  )
  it.effect("what was just deleted is still shown, and gone for those who name it", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        yield* world.change({ lag: exactly(10_000) })
        yield* ec2.releaseAddress({ allocationId })
        assert.strictEqual((yield* ec2.describeAddresses({})).length, 1)
        assert.strictEqual(
          yield* codeOf(ec2.releaseAddress({ allocationId })),
          "InvalidAllocationID.NotFound"
        )
        yield* TestClock.adjust(Duration.seconds(10))
        assert.deepStrictEqual(yield* ec2.describeAddresses({}), [])
      })
    )
  )
  it.effect("what was just changed is shown as it was, in each describe by itself", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { instanceId, interfaceIds } = yield* world.hand.launch({})
        const [networkInterfaceId = ""] = interfaceIds
        const { allocationId, publicIp } = yield* ec2.allocateAddress({ tags: {} })
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        yield* world.change({ lag: exactly(10_000) })
        yield* ec2.associateAddress({ allocationId, networkInterfaceId })
        yield* ec2.authorizeSecurityGroupRules(rules(groupId, [permission("tcp", [1, 1], ["10.0.0.0/8"])]))
        yield* world.hand.attachGroup(networkInterfaceId, groupId)
        const shown = Effect.gen(function* () {
          const [address] = yield* ec2.describeAddresses({})
          const [group] = yield* ec2.describeSecurityGroups({ groupIds: [groupId] })
          const [instance] = yield* ec2.describeInstances([instanceId])
          const [networkInterface] = instance?.interfaces ?? []
          return {
            isAssociated: address?.association !== undefined,
            rules: group?.ingress.length,
            groups: networkInterface?.groupIds.length,
            isElastic: networkInterface?.publicIp?.address === publicIp
          }
        })
        const before = { isAssociated: false, rules: 0, groups: 1, isElastic: false }
        const after = { isAssociated: true, rules: 1, groups: 2, isElastic: true }
        assert.deepStrictEqual(yield* shown, before)
        yield* TestClock.adjust(Duration.seconds(10))
        assert.deepStrictEqual(yield* shown, after)
      })
    )
  )
  it.effect("an id just returned may be unknown to other calls", () =>
    inAccount(
      { conditions: { lag: { min: 5_000, max: 10_000 } } },
      Effect.fnUntraced(function* ({ ec2 }) {
        const codes = new Set<string>()
        for (let i = 0; i < 20; i++) {
          const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
          const createTags = ec2.createTags({ resourceIds: [allocationId], tags: { k: "v" } })
          assert.strictEqual(yield* codeOf(createTags), "InvalidAllocationID.NotFound")
          yield* TestClock.adjust(Duration.seconds(3))
          codes.add(yield* codeOf(createTags))
          yield* TestClock.adjust(Duration.seconds(7))
          assert.strictEqual(yield* codeOf(createTags), "OK")
        }
        assert.deepStrictEqual(codes, new Set(["OK", "InvalidAllocationID.NotFound"]))
      })
    )
  )
  it.effect("a name that is taken is taken", () =>
    inAccount(
      tenSeconds,
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        yield* ec2.createSecurityGroup(newGroup("a"))
        assert.strictEqual(yield* codeOf(ec2.createSecurityGroup(newGroup("a"))), "InvalidGroup.Duplicate")
        assert.deepStrictEqual(yield* ec2.describeSecurityGroups({ names: ["a"] }), [])
      })
    )
  )
})

const Write = Schema.Struct({
  id: Schema.Literals(["a", "b"]),
  isDeleted: Schema.Boolean,
  lag: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
  pause: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
})

describe("whatever is written", () => {
  it.effect.prop(
    "describes show versions in the order of writing, never one older than what they showed, the last in the end",
    [Schema.Array(Write)],
    ([writes]) =>
      Effect.sync(() => {
        const store = Visibility.make<number>()
        const shown = new Map<string, number>()
        const written = new Map<string, ReadonlyArray<number | undefined>>()
        let at = 0
        const look = (id: "a" | "b") => {
          const value = store.seen(id, at)
          const history = written.get(id) ?? []
          // Deletions repeat as undefined: any of them not before the last one shown will do.
          const place = history.findIndex((v, i) => v === value && i >= (shown.get(id) ?? 0))
          if (history.length > 0) assert.isAtLeast(place, 0)
          shown.set(id, Math.max(0, place))
        }
        for (const [i, { id, isDeleted, lag, pause }] of writes.entries()) {
          const value = isDeleted ? undefined : i
          if (!written.has(id)) written.set(id, [undefined])
          written.set(id, [...(written.get(id) ?? []), value])
          store.put(id, value, at, { visible: lag, usable: 0 })
          assert.strictEqual(store.get(id), value)
          at += pause
          look("a")
          look("b")
        }
        at += 5
        for (const id of ["a", "b"] as const) assert.strictEqual(store.seen(id, at), written.get(id)?.at(-1))
        assert.deepStrictEqual(store.allSeen(at), [...store.all()])
      })
  )
})
