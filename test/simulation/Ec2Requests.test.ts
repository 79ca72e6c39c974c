import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { Ec2 } from "../../src/ec2/Ec2.ts"
import type { Ec2Error } from "../../src/ec2/Ec2Error.ts"
import { exactly, type Span } from "../../src/simulation/Draw.ts"
import { pageSize } from "../../src/simulation/Ec2.ts"
import { usualLatency } from "../../src/simulation/Ec2Conditions.ts"
import { codeOf, inAccount, newGroup, permission, rules } from "./Ec2Fixtures.ts"

type Service = Ec2["Service"]

const rule = rules("sg-00000000000000000", [permission("tcp", [1, 1], ["10.0.0.0/8"])])
const egress = { ...rule, direction: "Egress" } as const
const ids = { allocationId: "eipalloc-0", networkInterfaceId: "eni-00000000000000000" }

/** Every action, how it is asked for, and the figures of "Request throttling for the Amazon EC2 API". */
const actions: ReadonlyArray<
  readonly [string, number, number, (ec2: Service) => Effect.Effect<unknown, Ec2Error>]
> = [
  ["AllocateAddress", 50, 5, (ec2) => ec2.allocateAddress({ tags: {} })],
  ["AssociateAddress", 50, 5, (ec2) => ec2.associateAddress(ids)],
  ["DisassociateAddress", 50, 5, (ec2) => ec2.disassociateAddress({ associationId: "eipassoc-0" })],
  ["ReleaseAddress", 50, 5, (ec2) => ec2.releaseAddress(ids)],
  ["DescribeAddresses", 100, 20, (ec2) => ec2.describeAddresses({})],
  ["DescribeInstances", 100, 20, (ec2) => ec2.describeInstances(["i-0"])],
  ["DescribeNetworkInterfaces", 100, 20, (ec2) => ec2.describeNetworkInterfaces({})],
  ["DescribeSecurityGroups", 100, 20, (ec2) => ec2.describeSecurityGroups({})],
  [
    "ModifyNetworkInterfaceAttribute",
    100,
    5,
    (ec2) => ec2.modifyNetworkInterfaceGroups({ ...ids, groupIds: [rule.groupId] })
  ],
  ["CreateSecurityGroup", 50, 5, (ec2) => ec2.createSecurityGroup(newGroup("a"))],
  ["DeleteSecurityGroup", 50, 5, (ec2) => ec2.deleteSecurityGroup(rule)],
  ["AuthorizeSecurityGroupIngress", 50, 5, (ec2) => ec2.authorizeSecurityGroupRules(rule)],
  ["AuthorizeSecurityGroupEgress", 50, 5, (ec2) => ec2.authorizeSecurityGroupRules(egress)],
  ["RevokeSecurityGroupIngress", 50, 5, (ec2) => ec2.revokeSecurityGroupRules(rule)],
  ["RevokeSecurityGroupEgress", 50, 5, (ec2) => ec2.revokeSecurityGroupRules(egress)],
  [
    "UpdateSecurityGroupRuleDescriptionsIngress",
    50,
    5,
    (ec2) => ec2.updateSecurityGroupRuleDescriptions(rule)
  ],
  [
    "UpdateSecurityGroupRuleDescriptionsEgress",
    50,
    5,
    (ec2) => ec2.updateSecurityGroupRuleDescriptions(egress)
  ],
  ["CreateTags", 100, 10, (ec2) => ec2.createTags({ resourceIds: ["eni-0"], tags: {} })]
]

describe("the bucket of an action", () => {
  it.effect.each(actions)("%s admits %d at once and %d a second", ([action, capacity, refill, ask]) =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const admitted = Effect.fnUntraced(function* () {
          let n = 0
          while ((yield* codeOf(ask(ec2))) !== "RequestLimitExceeded") n++
          return n
        })
        assert.strictEqual(yield* admitted(), capacity)
        yield* TestClock.adjust(Duration.seconds(1))
        assert.strictEqual(yield* admitted(), refill)
        yield* TestClock.adjust(Duration.minutes(10))
        assert.strictEqual(yield* admitted(), capacity)
        assert.deepStrictEqual([...world.calls().keys()], [action])
      })
    )
  )
  it.effect("is its own: an empty one holds up no other", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.drain("AllocateAddress", 50)
        assert.strictEqual(yield* codeOf(ec2.allocateAddress({ tags: {} })), "RequestLimitExceeded")
        assert.strictEqual(yield* codeOf(ec2.describeAddresses({})), "OK")
        const now = yield* Clock.currentTimeMillis
        const level = (action: string) => world.fullness(now).find((b) => b.action === action)
        assert.deepStrictEqual(level("AllocateAddress"), {
          action: "AllocateAddress",
          capacity: 50,
          tokens: 0
        })
        assert.strictEqual(level("DescribeAddresses")?.tokens, 99)
        assert.strictEqual(world.fullness(now).length, actions.length)
      })
    )
  )
  it.effect("is smaller while others use their share", () =>
    inAccount(
      { conditions: { othersShare: 0.9 } },
      Effect.fnUntraced(function* ({ ec2, world }) {
        for (let i = 0; i < 5; i++) yield* ec2.allocateAddress({ tags: {} })
        assert.strictEqual(yield* codeOf(ec2.allocateAddress({ tags: {} })), "RequestLimitExceeded")
        yield* world.change({ othersShare: 0 })
        yield* TestClock.adjust(Duration.seconds(1))
        for (let i = 0; i < 5; i++) yield* ec2.allocateAddress({ tags: {} })
        assert.strictEqual(yield* codeOf(ec2.allocateAddress({ tags: {} })), "RequestLimitExceeded")
      })
    )
  )
  it.effect("is not touched by what others do by hand", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ world }) {
        for (let i = 0; i < 60; i++) yield* world.hand.allocate({})
        assert.strictEqual(world.addresses().length, 60)
        assert.strictEqual(world.calls().size, 0)
      })
    )
  )
})

describe("a request that is refused", () => {
  it.effect("by the policy changes nothing, until it is allowed", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.deny("AllocateAddress")
        assert.strictEqual(yield* codeOf(ec2.allocateAddress({ tags: {} })), "UnauthorizedOperation")
        assert.deepStrictEqual(world.addresses(), [])
        assert.strictEqual(yield* codeOf(ec2.describeAddresses({})), "OK")
        yield* world.allow("AllocateAddress")
        assert.strictEqual(yield* codeOf(ec2.allocateAddress({ tags: {} })), "OK")
      })
    )
  )
  it.effect("for its credentials is refused whatever it asks", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.change({ areCredentialsValid: false })
        assert.strictEqual(yield* codeOf(ec2.describeAddresses({})), "AuthFailure")
        yield* world.change({ areCredentialsValid: true })
        assert.strictEqual(yield* codeOf(ec2.describeAddresses({})), "OK")
      })
    )
  )
  it.effect("says which action was refused", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2 }) {
        const error = yield* Effect.flip(ec2.revokeSecurityGroupRules(egress))
        assert.strictEqual(error.operation, "RevokeSecurityGroupEgress")
        assert.strictEqual(error.reason._tag, "Gone")
      })
    )
  )
})

describe("the latency of a request", () => {
  const withLatency = (latency: Span) => ({ conditions: { latency } })
  it.effect("is over before the answer, and half over when it takes effect", () =>
    inAccount(
      withLatency(exactly(100)),
      Effect.fnUntraced(function* ({ ec2, world }) {
        const call = yield* Effect.forkChild(ec2.allocateAddress({ tags: {} }))
        yield* TestClock.adjust(Duration.millis(49))
        assert.strictEqual(world.addresses().length, 0)
        yield* TestClock.adjust(Duration.millis(1))
        assert.strictEqual(world.addresses().length, 1)
        assert.isUndefined(call.pollUnsafe())
        yield* TestClock.adjust(Duration.millis(50))
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(call)))
      })
    )
  )
  it.effect("holds up a refusal as well", () =>
    inAccount(
      withLatency(exactly(100)),
      Effect.fnUntraced(function* ({ ec2 }) {
        const call = yield* Effect.forkChild(codeOf(ec2.releaseAddress(ids)))
        yield* TestClock.adjust(Duration.millis(99))
        assert.isUndefined(call.pollUnsafe())
        yield* TestClock.adjust(Duration.millis(1))
        assert.strictEqual(yield* Fiber.join(call), "InvalidAllocationID.NotFound")
      })
    )
  )
  it.effect("lets whoever stops waiting not know whether it took effect", () =>
    inAccount(
      withLatency(exactly(100)),
      Effect.fnUntraced(function* ({ ec2, world }) {
        const early = yield* Effect.forkChild(ec2.allocateAddress({ tags: {} }))
        yield* TestClock.adjust(Duration.millis(10))
        yield* Fiber.interrupt(early)
        assert.strictEqual(world.addresses().length, 0)
        const late = yield* Effect.forkChild(ec2.allocateAddress({ tags: {} }))
        yield* TestClock.adjust(Duration.millis(60))
        yield* Fiber.interrupt(late)
        assert.strictEqual(world.addresses().length, 1)
      })
    )
  )
  it.effect("lies within its span and differs from request to request", () =>
    inAccount(
      withLatency(usualLatency),
      Effect.fnUntraced(function* ({ ec2 }) {
        const took = new Set<number>()
        const calls = yield* Effect.forkChild(
          Effect.repeat(
            Effect.gen(function* () {
              const began = yield* Clock.currentTimeMillis
              yield* ec2.describeAddresses({})
              took.add((yield* Clock.currentTimeMillis) - began)
            }),
            { times: 19 }
          )
        )
        for (let i = 0; i < 20 * 250; i++) yield* TestClock.adjust(Duration.millis(1))
        yield* Fiber.join(calls)
        assert.isAtLeast(took.size, 10)
        for (const millis of took) assert.isTrue(millis >= 80 && millis <= 250, `${millis} ms`)
      })
    )
  )
})

describe("a describe of more than a page", () => {
  it.effect.each([
    [pageSize, 1],
    [pageSize + 1, 2],
    [2 * pageSize + 1, 3]
  ] as const)("of %d rows is %d requests", ([rows, requests]) =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        for (let i = 0; i < rows; i++) yield* world.hand.launch({})
        assert.strictEqual((yield* ec2.describeNetworkInterfaces({})).length, rows)
        assert.strictEqual(world.calls().get("DescribeNetworkInterfaces")?.get("OK"), requests)
      })
    )
  )
  it.effect("comes in one answer for addresses, which have no pages", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        for (let i = 0; i <= pageSize; i++) yield* world.hand.allocate({})
        yield* ec2.describeAddresses({})
        assert.strictEqual(world.calls().get("DescribeAddresses")?.get("OK"), 1)
      })
    )
  )
})

describe("the journal", () => {
  it.effect("tells what was asked, by whom, when, and what came of it", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const heard: Array<string> = []
        world.onEntry((entry) => heard.push(`${entry.action}: ${world.addresses().length} addresses`))
        yield* TestClock.setTime(5)
        const { allocationId } = yield* ec2.allocateAddress({ tags: { k: "v" } })
        yield* world.hand.release(allocationId)
        yield* codeOf(ec2.releaseAddress({ allocationId }))
        assert.deepStrictEqual(world.journal(), [
          { at: 5, by: "service", action: "AllocateAddress", request: { tags: { k: "v" } }, outcome: "OK" },
          { at: 5, by: "hand", action: "ReleaseAddress", request: { allocationId }, outcome: "OK" },
          {
            at: 5,
            by: "service",
            action: "ReleaseAddress",
            request: { allocationId },
            outcome: "InvalidAllocationID.NotFound"
          }
        ])
        assert.deepStrictEqual(heard, [
          "AllocateAddress: 1 addresses",
          "ReleaseAddress: 0 addresses",
          "ReleaseAddress: 0 addresses"
        ])
        assert.deepStrictEqual(
          [...world.calls()].map(([action, outcomes]) => [action, ...outcomes]),
          [
            ["AllocateAddress", ["OK", 1]],
            ["ReleaseAddress", ["InvalidAllocationID.NotFound", 1]]
          ]
        )
      })
    )
  )
  it.effect("forgets old entries and no counts", () =>
    inAccount(
      { journalLimit: 3 },
      Effect.fnUntraced(function* ({ ec2, world }) {
        for (let i = 0; i < 20; i++) yield* ec2.describeInstances([`i-${i}`])
        assert.isTrue(world.journal().length >= 3 && world.journal().length <= 6)
        assert.deepStrictEqual(world.journal().at(-1)?.request, ["i-19"])
        assert.strictEqual(world.calls().get("DescribeInstances")?.get("OK"), 20)
      })
    )
  )
})
