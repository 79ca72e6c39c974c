/** The EC2 emulator refuses what EC2 refuses: what the other suites lean on. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { CloudError } from "./world/Cloud.ts"
import { suite } from "./world/Suite.ts"

const refused = <A>(code: string, call: Effect.Effect<A, CloudError>) =>
  Effect.map(Effect.flip(call), (error) => assert.strictEqual(error.code, code, error.message))

const tcp = (port: number, cidr: string, last = port) => ({
  IpProtocol: "tcp",
  FromPort: port,
  ToPort: last,
  IpRanges: [{ CidrIp: cidr }]
})

suite("the EC2 emulator", { asksEc2: false }, (scenario) => {
  scenario("takes no address from anybody, and releases none in use", ({ cloud, emulator }) =>
    Effect.gen(function* () {
      const a = yield* cloud.launch()
      const b = yield* cloud.launch()
      const shown = (instanceId: string) =>
        Effect.map(cloud.instances, (all) => all.find((i) => i.instanceId === instanceId))
      const own = (yield* shown(a.instanceId))?.publicIp
      assert.isDefined(own)
      const one = yield* cloud.allocate({})
      const two = yield* cloud.allocate({})
      const association = yield* cloud.associate(one.allocationId, a.networkInterfaceId, false)
      assert.strictEqual(yield* cloud.associate(one.allocationId, a.networkInterfaceId, false), association)
      yield* refused(
        "Resource.AlreadyAssociated",
        cloud.associate(one.allocationId, b.networkInterfaceId, false)
      )
      yield* refused(
        "Resource.AlreadyAssociated",
        cloud.associate(two.allocationId, a.networkInterfaceId, false)
      )
      yield* refused("InvalidIPAddress.InUse", cloud.release(one.allocationId))
      assert.strictEqual((yield* shown(a.instanceId))?.publicIp, one.publicIp)
      yield* cloud.disassociate(association)
      const next = (yield* shown(a.instanceId))?.publicIp
      assert.isDefined(next)
      assert.notInclude([own, one.publicIp], next)
      yield* cloud.associate(two.allocationId, b.networkInterfaceId, false)
      yield* cloud.terminate(b.instanceId)
      const kept = (yield* cloud.addresses).find((x) => x.allocationId === two.allocationId)
      assert.deepStrictEqual(
        [kept?.associationId, kept?.instanceId, kept?.networkInterfaceId],
        [undefined, undefined, undefined]
      )
      const ended = yield* shown(b.instanceId)
      assert.deepStrictEqual([ended?.state, ended?.networkInterfaceId], ["terminated", undefined])
      yield* emulator.setQuotas({ addresses: 2 })
      yield* refused("AddressLimitExceeded", cloud.allocate({}))
      yield* emulator.setQuotas({ addresses: 1000 })
      yield* cloud.release(one.allocationId)
      yield* refused("InvalidAllocationID.NotFound", cloud.release(one.allocationId))
    })
  )

  scenario(
    "applies a request for rules whole or not at all, in their canonical form",
    ({ cloud, emulator }) =>
      Effect.gen(function* () {
        const id = yield* cloud.createGroup("Rules", {})
        const ingress = Effect.map(cloud.groups, (all) => all.find((g) => g.groupId === id)?.ingress)
        yield* refused("InvalidGroup.Duplicate", cloud.createGroup("rules", {}))
        const answer = yield* cloud.authorize(id, [
          tcp(80, "100.68.0.18/18"),
          { ...tcp(443, "10.0.0.0/8"), IpProtocol: "6" }
        ])
        assert.strictEqual(answer.SecurityGroupRules?.length, 2)
        const both = ["tcp:443-443 10.0.0.0/8", "tcp:80-80 100.68.0.0/18"]
        assert.deepStrictEqual(yield* ingress, both)
        yield* refused(
          "InvalidPermission.Duplicate",
          cloud.authorize(id, [tcp(1, "10.0.0.0/8"), tcp(80, "100.68.0.0/18")])
        )
        yield* refused(
          "InvalidParameterValue",
          cloud.authorize(id, [tcp(2, "10.0.0.0/8"), tcp(2, "10.0.0.1/8")])
        )
        yield* refused("InvalidParameterValue", cloud.authorize(id, [tcp(90, "10.0.0.0/8", 80)]))
        yield* refused("InvalidParameterValue", cloud.authorize(id, [tcp(70_000, "10.0.0.0/8")]))
        yield* refused("InvalidParameterValue", cloud.authorize(id, [tcp(3, "nonsense")]))
        yield* refused(
          "InvalidPermission.NotFound",
          cloud.revoke(id, [tcp(80, "100.68.0.0/18"), tcp(81, "10.0.0.0/8")])
        )
        assert.deepStrictEqual(yield* ingress, both)
        yield* emulator.setQuotas({ rules_per_group: 2 })
        yield* refused("RulesPerSecurityGroupLimitExceeded", cloud.authorize(id, [tcp(4, "10.0.0.0/8")]))
        yield* emulator.setQuotas({ rules_per_group: 60 })
        yield* cloud.authorize(id, [
          { IpProtocol: "-1", FromPort: 5, ToPort: 6, IpRanges: [{ CidrIp: "192.0.2.0/24" }] }
        ])
        assert.include((yield* ingress) ?? [], "-1 192.0.2.0/24")
      })
  )

  scenario("keeps groups that are in use, and lists that belong together", ({ cloud }) =>
    Effect.gen(function* () {
      const { instanceId, networkInterfaceId } = yield* cloud.launch()
      const id = yield* cloud.createGroup("in-use", {})
      const present = yield* cloud.groupsOf(networkInterfaceId)
      yield* cloud.setGroups(networkInterfaceId, [...present, id])
      assert.sameMembers(yield* cloud.groupsOf(networkInterfaceId), [...present, id])
      yield* refused("DependencyViolation", cloud.deleteGroup(id))
      yield* refused(
        "InvalidGroup.NotFound",
        cloud.setGroups(networkInterfaceId, [id, "sg-00000000000000000"])
      )
      const { vpcId } = yield* cloud.makeVpc
      const elsewhere = yield* cloud.createGroup("elsewhere", {}, vpcId)
      yield* refused("InvalidParameterValue", cloud.setGroups(networkInterfaceId, [id, elsewhere]))
      const more = yield* Effect.forEach([1, 2, 3, 4], (n) => cloud.createGroup(`more-${n}`, {}))
      yield* refused(
        "SecurityGroupsPerInterfaceLimitExceeded",
        cloud.setGroups(networkInterfaceId, [...present, id, ...more])
      )
      const referring = yield* cloud.createGroup("referring", {})
      yield* cloud.authorize(referring, [
        { IpProtocol: "tcp", FromPort: 1, ToPort: 1, UserIdGroupPairs: [{ GroupId: id }] }
      ])
      yield* cloud.terminate(instanceId)
      yield* refused("DependencyViolation", cloud.deleteGroup(id))
      yield* cloud.deleteGroup(referring)
      yield* cloud.deleteGroup(id)
      yield* refused("InvalidGroup.NotFound", cloud.deleteGroup(id))
    })
  )
})
