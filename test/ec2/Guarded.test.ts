/** A request is paced, and a write is sent by the leader only, whole, once, and not for long. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Logger, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as Metrics from "../../src/domain/Metrics.ts"
import type { RulesRequest, Service } from "../../src/ec2/Ec2.ts"
import type { Ec2Error } from "../../src/ec2/Ec2Error.ts"
import type { Governor } from "../../src/ec2/Governor.ts"
import * as Guarded from "../../src/ec2/Guarded.ts"
import { fake, refusal } from "./FakeEc2.ts"

const rules = (direction: RulesRequest["direction"]): RulesRequest => ({
  groupId: "sg-1",
  direction,
  permissions: []
})

/** Every method, by the EC2 action it sends. */
const reads: ReadonlyArray<readonly [string, (ec2: Service) => Effect.Effect<unknown, Ec2Error>]> = [
  ["DescribeAddresses", (ec2) => ec2.describeAddresses({})],
  ["DescribeSecurityGroups", (ec2) => ec2.describeSecurityGroups({})],
  ["DescribeInstances", (ec2) => ec2.describeInstances(["i-1"])],
  ["DescribeNetworkInterfaces", (ec2) => ec2.describeNetworkInterfaces({})]
]
const writes: ReadonlyArray<readonly [string, (ec2: Service) => Effect.Effect<unknown, Ec2Error>]> = [
  ["AllocateAddress", (ec2) => ec2.allocateAddress({ tags: {} })],
  ["AssociateAddress", (ec2) => ec2.associateAddress({ allocationId: "a", networkInterfaceId: "e" })],
  ["DisassociateAddress", (ec2) => ec2.disassociateAddress({ associationId: "x" })],
  ["ReleaseAddress", (ec2) => ec2.releaseAddress({ allocationId: "a" })],
  [
    "CreateSecurityGroup",
    (ec2) => ec2.createSecurityGroup({ name: "n", description: "d", vpcId: "v", tags: {} })
  ],
  ["DeleteSecurityGroup", (ec2) => ec2.deleteSecurityGroup({ groupId: "sg-1" })],
  ["AuthorizeSecurityGroupIngress", (ec2) => ec2.authorizeSecurityGroupRules(rules("Ingress"))],
  ["AuthorizeSecurityGroupEgress", (ec2) => ec2.authorizeSecurityGroupRules(rules("Egress"))],
  ["RevokeSecurityGroupIngress", (ec2) => ec2.revokeSecurityGroupRules(rules("Ingress"))],
  ["RevokeSecurityGroupEgress", (ec2) => ec2.revokeSecurityGroupRules(rules("Egress"))],
  [
    "UpdateSecurityGroupRuleDescriptionsIngress",
    (ec2) => ec2.updateSecurityGroupRuleDescriptions(rules("Ingress"))
  ],
  [
    "UpdateSecurityGroupRuleDescriptionsEgress",
    (ec2) => ec2.updateSecurityGroupRuleDescriptions(rules("Egress"))
  ],
  [
    "ModifyNetworkInterfaceAttribute",
    (ec2) => ec2.modifyNetworkInterfaceGroups({ networkInterfaceId: "e", groupIds: ["sg-1"] })
  ],
  ["CreateTags", (ec2) => ec2.createTags({ resourceIds: ["a"], tags: {} })]
]

const setUp = (o: {
  readonly answer?: Effect.Effect<void, Ec2Error>
  readonly mayWrite?: Effect.Effect<boolean>
  readonly take?: Effect.Effect<void>
  readonly dryRun?: boolean
}) => {
  const log: Array<string> = []
  /** Actions of requests that EC2 let through. */
  const admitted: Array<string> = []
  const note = (what: string) => Effect.sync(() => void log.push(what))
  const sent =
    <A>(name: string, value: A) =>
    () =>
      Effect.as(Effect.andThen(note(`sent ${name}`), o.answer ?? Effect.void), value)
  const inner = fake({
    describeAddresses: sent("describeAddresses", []),
    describeSecurityGroups: sent("describeSecurityGroups", []),
    describeInstances: sent("describeInstances", []),
    describeNetworkInterfaces: sent("describeNetworkInterfaces", []),
    allocateAddress: sent("allocateAddress", { allocationId: "a", publicIp: "192.0.2.1" }),
    associateAddress: sent("associateAddress", { associationId: "x" }),
    disassociateAddress: sent("disassociateAddress", undefined),
    releaseAddress: sent("releaseAddress", undefined),
    createSecurityGroup: sent("createSecurityGroup", { groupId: "sg-1" }),
    deleteSecurityGroup: sent("deleteSecurityGroup", undefined),
    authorizeSecurityGroupRules: sent("authorizeSecurityGroupRules", undefined),
    revokeSecurityGroupRules: sent("revokeSecurityGroupRules", undefined),
    updateSecurityGroupRuleDescriptions: sent("updateSecurityGroupRuleDescriptions", undefined),
    modifyNetworkInterfaceGroups: sent("modifyNetworkInterfaceGroups", undefined),
    createTags: sent("createTags", undefined)
  })
  const governor: Governor["Service"] = {
    take: (action) => Effect.andThen(o.take ?? Effect.void, note(`token ${action}`)),
    admitted: (action) =>
      Effect.sync(() => {
        admitted.push(action)
      }),
    refused: (action) => note(`refused ${action}`),
    fullness: () => []
  }
  const ec2 = Guarded.make(inner, {
    governor,
    mayWrite: Effect.andThen(note("lease"), o.mayWrite ?? Effect.succeed(true)),
    dryRun: o.dryRun ?? false
  })
  return { ec2, log, admitted }
}

const isSent = (entry: string) => entry.startsWith("sent ")
const reasonOf = <A>(call: Effect.Effect<A, Ec2Error>) => Effect.map(Effect.flip(call), (e) => e.reason._tag)
const requests = (operation: string, code: string) =>
  Effect.map(
    Metric.value(Metric.withAttributes(Metrics.ec2Requests, { operation, code })),
    ({ count }) => count
  )

describe("a guarded write", () => {
  for (const [action, call] of writes) {
    it.effect(`${action} takes its token first, then looks at the lease, then is sent`, () =>
      Effect.gen(function* () {
        const { ec2, log } = setUp({})
        yield* call(ec2)
        assert.deepStrictEqual(log.slice(0, 2), [`token ${action}`, "lease"])
        assert.deepStrictEqual(log.map(isSent), [false, false, true])
      })
    )
  }

  it.effect("is not sent without the lease", () =>
    Effect.gen(function* () {
      for (const [, call] of writes) {
        const { ec2, log } = setUp({ mayWrite: Effect.succeed(false) })
        assert.strictEqual(yield* reasonOf(call(ec2)), "NotLeader")
        assert.isFalse(log.some(isSent))
      }
    })
  )

  it.effect("is not sent when the lease went while it waited for its token", () =>
    Effect.gen(function* () {
      let leads = true
      const { ec2, log } = setUp({ take: Effect.sleep("1 minute"), mayWrite: Effect.sync(() => leads) })
      const fiber = yield* Effect.forkChild(reasonOf(ec2.allocateAddress({ tags: {} })))
      yield* TestClock.adjust("30 seconds")
      leads = false
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "NotLeader")
      assert.isFalse(log.some(isSent))
    })
  )

  it.effect("can be interrupted while it waits for its token", () =>
    Effect.gen(function* () {
      const { ec2, log } = setUp({ take: Effect.never })
      const fiber = yield* Effect.forkChild(ec2.allocateAddress({ tags: {} }), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(log, [])
    })
  )

  it.effect("cannot be interrupted once it is sent, and what comes after it does not begin", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const ends: Array<string> = []
      const answer = Effect.onExit(Deferred.await(gate), (exit) => Effect.sync(() => ends.push(exit._tag)))
      const { ec2, log } = setUp({ answer })
      const fiber = yield* ec2
        .allocateAddress({ tags: {} })
        .pipe(
          Effect.andThen(Effect.sync(() => ends.push("next step"))),
          Effect.forkChild({ startImmediately: true })
        )
      assert.isTrue(log.some(isSent))
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(ends, [])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual(ends, ["Success"])
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
    })
  )

  it.effect("tells its reply to a caller that is not to be interrupted either", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { ec2 } = setUp({ answer: Deferred.await(gate) })
      const replies: Array<string> = []
      const fiber = yield* ec2.allocateAddress({ tags: {} }).pipe(
        Effect.tap(({ allocationId }) => Effect.sync(() => replies.push(allocationId))),
        Effect.uninterruptible,
        Effect.forkChild({ startImmediately: true })
      )
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual(replies, ["a"])
    })
  )

  it.effect("is given up after four seconds, with its outcome unknown, and is counted so", () =>
    Effect.gen(function* () {
      const { ec2 } = setUp({ answer: Effect.never })
      const before = yield* requests("ReleaseAddress", "Unreachable")
      const fiber = yield* Effect.forkChild(reasonOf(ec2.releaseAddress({ allocationId: "a" })))
      yield* TestClock.adjust(Duration.subtract(Guarded.writeTimeout, Duration.millis(1)))
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), "Unreachable")
      assert.strictEqual((yield* requests("ReleaseAddress", "Unreachable")) - before, 1)
    })
  )

  it.effect("is never sent twice, whatever comes back", () =>
    Effect.gen(function* () {
      for (const code of ["InternalError", "RequestLimitExceeded", "AddressLimitExceeded", "Unheard.Of"]) {
        const { ec2, log } = setUp({ answer: Effect.fail(refusal(code)) })
        yield* Effect.flip(ec2.allocateAddress({ tags: {} }))
        assert.strictEqual(log.filter(isSent).length, 1)
      }
    })
  )

  it.effect("in a dry run is told, and neither sent nor paced", () =>
    Effect.gen(function* () {
      const told: Array<unknown> = []
      const logger = Logger.make(({ message }) => told.push(message))
      for (const [action, call] of writes) {
        const { ec2, log } = setUp({ dryRun: true, take: Effect.never })
        const reason = yield* reasonOf(call(ec2)).pipe(Effect.provide(Logger.layer([logger])))
        assert.strictEqual(reason, "DryRun")
        assert.deepStrictEqual(log, [])
        assert.include(String(told.at(-1)), action)
      }
    })
  )
})

describe("a guarded read", () => {
  for (const [action, call] of reads) {
    it.effect(`${action} takes its token and asks for no lease, in a dry run too`, () =>
      Effect.gen(function* () {
        const { ec2, log } = setUp({ mayWrite: Effect.succeed(false), dryRun: true })
        yield* call(ec2)
        assert.strictEqual(log[0], `token ${action}`)
        assert.deepStrictEqual(log.map(isSent), [false, true])
      })
    )
  }

  it.effect("can be interrupted at any time", () =>
    Effect.gen(function* () {
      const { ec2 } = setUp({ answer: Effect.never })
      const fiber = yield* Effect.forkChild(ec2.describeAddresses({}), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
    })
  )
})

describe("a request", () => {
  it.effect("is counted by action and code", () =>
    Effect.gen(function* () {
      const ok = yield* requests("AllocateAddress", "OK")
      const limit = yield* requests("AllocateAddress", "AddressLimitExceeded")
      let isFull = false
      const answer = Effect.suspend(() =>
        isFull ? Effect.fail(refusal("AddressLimitExceeded")) : Effect.void
      )
      const { ec2 } = setUp({ answer })
      yield* ec2.allocateAddress({ tags: {} })
      isFull = true
      yield* Effect.flip(ec2.allocateAddress({ tags: {} }))
      assert.strictEqual((yield* requests("AllocateAddress", "OK")) - ok, 1)
      assert.strictEqual((yield* requests("AllocateAddress", "AddressLimitExceeded")) - limit, 1)
    })
  )

  it.effect("that EC2 throttles is told to the governor and to the caller", () =>
    Effect.gen(function* () {
      const { admitted, ec2, log } = setUp({ answer: Effect.fail(refusal("RequestLimitExceeded")) })
      assert.strictEqual(yield* reasonOf(ec2.describeAddresses({})), "Throttled")
      assert.strictEqual(yield* reasonOf(ec2.allocateAddress({ tags: {} })), "Throttled")
      assert.deepStrictEqual(
        log.filter((entry) => entry.startsWith("refused")),
        ["refused DescribeAddresses", "refused AllocateAddress"]
      )
      assert.deepStrictEqual(admitted, [])
    })
  )

  it.effect("that is refused for another reason does not slow the others down", () =>
    Effect.gen(function* () {
      const { admitted, ec2, log } = setUp({ answer: Effect.fail(refusal("UnauthorizedOperation")) })
      yield* Effect.flip(ec2.allocateAddress({ tags: {} }))
      assert.isFalse(log.some((entry) => entry.startsWith("refused")))
      assert.deepStrictEqual(admitted, ["AllocateAddress"])
    })
  )
})
