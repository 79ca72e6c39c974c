import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { homeVpc } from "../../src/simulation/Ec2Instances.ts"
import { type Account, codeOf, inAccount, newGroup, permission, rules } from "./Ec2Fixtures.ts"

const web = permission("tcp", [443, 443], ["0.0.0.0/0"])
const allowAll = permission("-1", undefined, ["0.0.0.0/0"])

const launched = ({ world }: Account, groups = 0) =>
  Effect.gen(function* () {
    const { interfaceIds } = yield* world.hand.launch({})
    const [networkInterfaceId = ""] = interfaceIds
    for (let i = 0; i < groups; i++) {
      const { groupId } = yield* world.hand.createGroup({ name: `foreign-${i}` })
      yield* world.hand.attachGroup(networkInterfaceId, groupId)
    }
    return networkInterfaceId
  })

describe("CreateSecurityGroup", () => {
  it.effect("opens nothing but all egress", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        const { groupId } = yield* ec2.createSecurityGroup({ ...newGroup("a"), tags: { k: "v" } })
        assert.match(groupId, /^sg-[0-9a-f]{17}$/)
        assert.deepStrictEqual(yield* ec2.describeSecurityGroups({ tags: { k: ["v"] } }), [
          { groupId, name: "a", vpcId: homeVpc, tags: { k: "v" }, ingress: [], egress: [allowAll] }
        ])
      })
    )
  )
  it.effect("opens all IPv6 egress too where the VPC has IPv6", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({ hasIpv6: true })
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        assert.deepStrictEqual(
          world.group(groupId)?.permissions.map((p) => p.source),
          ["0.0.0.0/0", "::/0"]
        )
      })
    )
  )
  it.effect("knows a name in its VPC in any letter case, and in another VPC not", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        yield* world.hand.launch({ vpcId: "vpc-2" })
        yield* ec2.createSecurityGroup(newGroup("Name"))
        assert.strictEqual(yield* codeOf(ec2.createSecurityGroup(newGroup("nAME"))), "InvalidGroup.Duplicate")
        const elsewhere = ec2.createSecurityGroup({ ...newGroup("name"), vpcId: "vpc-2" })
        assert.strictEqual(yield* codeOf(elsewhere), "OK")
      })
    )
  )
  it.effect.each<readonly [string, object, string]>([
    ["255 letters", { name: "n".repeat(255) }, "OK"],
    ["a longer name", { name: "n".repeat(256) }, "InvalidParameterValue"],
    ["no name", { name: "" }, "InvalidParameterValue"],
    ["the name of an id", { name: "sg-1" }, "InvalidParameterValue"],
    ["a name of other letters", { name: "é" }, "InvalidParameterValue"],
    ["no description", { description: "" }, "MissingParameter"],
    ["a long description", { description: "d".repeat(256) }, "InvalidParameterValue"],
    ["an unknown VPC", { vpcId: "vpc-9" }, "InvalidVpcID.NotFound"],
    ["a reserved tag", { tags: { "aws:x": "" } }, "InvalidParameterValue"]
  ])("with %s", ([, differing, code]) =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        assert.strictEqual(yield* codeOf(ec2.createSecurityGroup({ ...newGroup("a"), ...differing })), code)
      })
    )
  )
  it.effect("is refused at the quota of the region", () =>
    inAccount(
      { conditions: { quotas: { groups: 2 } } },
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        assert.strictEqual(yield* codeOf(ec2.createSecurityGroup(newGroup("a"))), "OK")
        assert.strictEqual(
          yield* codeOf(ec2.createSecurityGroup(newGroup("b"))),
          "SecurityGroupLimitExceeded"
        )
      })
    )
  )
})

describe("DeleteSecurityGroup", () => {
  it.effect("is refused while the group is on an interface", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* (account) {
        const { ec2, world } = account
        const networkInterfaceId = yield* launched(account)
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        yield* world.hand.attachGroup(networkInterfaceId, groupId)
        assert.strictEqual(yield* codeOf(ec2.deleteSecurityGroup({ groupId })), "DependencyViolation")
        yield* world.hand.detachGroup(networkInterfaceId, groupId)
        assert.strictEqual(yield* codeOf(ec2.deleteSecurityGroup({ groupId })), "OK")
        assert.strictEqual(yield* codeOf(ec2.deleteSecurityGroup({ groupId })), "InvalidGroup.NotFound")
      })
    )
  )
  it.effect("is refused while another group refers to it, not while it refers to itself", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        const other = yield* ec2.createSecurityGroup(newGroup("b"))
        const reference = permission("tcp", [1, 1], [groupId], "groups")
        yield* ec2.authorizeSecurityGroupRules(rules(groupId, [reference]))
        yield* ec2.authorizeSecurityGroupRules(rules(other.groupId, [reference]))
        assert.strictEqual(yield* codeOf(ec2.deleteSecurityGroup({ groupId })), "DependencyViolation")
        yield* world.hand.revoke(rules(other.groupId, [reference]))
        assert.strictEqual(yield* codeOf(ec2.deleteSecurityGroup({ groupId })), "OK")
      })
    )
  )
})

describe("the rules of a group", () => {
  it.effect("come back merged by protocol and ports, per direction", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        const one = (cidr: string) => permission("6", [80, 80], [cidr], "ipv4", cidr)
        yield* ec2.authorizeSecurityGroupRules(rules(groupId, [one("10.0.0.0/8")]))
        yield* ec2.authorizeSecurityGroupRules(rules(groupId, [one("11.1.1.1/8")]))
        yield* ec2.authorizeSecurityGroupRules(rules(groupId, [one("12.0.0.0/8")], "Egress"))
        const [group] = yield* ec2.describeSecurityGroups({ groupIds: [groupId] })
        assert.deepStrictEqual(group?.ingress, [
          {
            ...permission("tcp", [80, 80], []),
            ipv4: [
              { source: "10.0.0.0/8", description: "10.0.0.0/8" },
              { source: "11.0.0.0/8", description: "11.1.1.1/8" }
            ]
          }
        ])
        assert.strictEqual(group?.egress.length, 2)
      })
    )
  )
  it.effect("are counted per direction, up to a quota that may change", () =>
    inAccount(
      { conditions: { quotas: { rulesPerGroup: 1 } } },
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        const authorize = (port: number, direction: "Ingress" | "Egress") =>
          codeOf(
            ec2.authorizeSecurityGroupRules(
              rules(groupId, [permission("tcp", [port, port], ["0.0.0.0/0"])], direction)
            )
          )
        assert.strictEqual(yield* authorize(1, "Egress"), "RulesPerSecurityGroupLimitExceeded")
        assert.strictEqual(yield* authorize(1, "Ingress"), "OK")
        assert.strictEqual(yield* authorize(2, "Ingress"), "RulesPerSecurityGroupLimitExceeded")
        yield* world.change({ quotas: { rulesPerGroup: 2 } })
        assert.strictEqual(yield* authorize(2, "Ingress"), "OK")
      })
    )
  )
  it.effect("of a group that does not exist, or refers to one", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        const gone = "sg-00000000000000000"
        const reference = permission("tcp", [1, 1], [gone], "groups")
        assert.strictEqual(
          yield* codeOf(ec2.authorizeSecurityGroupRules(rules(gone, [web]))),
          "InvalidGroup.NotFound"
        )
        assert.strictEqual(
          yield* codeOf(ec2.authorizeSecurityGroupRules(rules("a", [web]))),
          "InvalidGroupId.Malformed"
        )
        assert.strictEqual(
          yield* codeOf(ec2.authorizeSecurityGroupRules(rules(groupId, [reference]))),
          "InvalidGroup.NotFound"
        )
        assert.strictEqual(
          yield* codeOf(ec2.revokeSecurityGroupRules(rules(groupId, [web]))),
          "InvalidPermission.NotFound"
        )
      })
    )
  )
  it.effect("change their descriptions only where the policy allows it", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        yield* ec2.authorizeSecurityGroupRules(rules(groupId, [web]))
        const described = rules(groupId, [permission("tcp", [443, 443], ["0.0.0.0/0"], "ipv4", "new")])
        const update = ec2.updateSecurityGroupRuleDescriptions(described)
        assert.strictEqual(yield* codeOf(update), "UnauthorizedOperation")
        yield* world.allow("UpdateSecurityGroupRuleDescriptionsIngress")
        assert.strictEqual(yield* codeOf(update), "OK")
        const [rule] = world.group(groupId)?.permissions.filter((p) => p.direction === "Ingress") ?? []
        assert.strictEqual(rule?.description, "new")
      })
    )
  )
})

describe("ModifyNetworkInterfaceAttribute", () => {
  it.effect("replaces the whole list, and never with nothing", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* (account) {
        const { ec2, world } = account
        const networkInterfaceId = yield* launched(account, 1)
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        assert.strictEqual(world.networkInterface(networkInterfaceId)?.groupIds.length, 2)
        yield* ec2.modifyNetworkInterfaceGroups({ networkInterfaceId, groupIds: [groupId, groupId] })
        assert.deepStrictEqual(world.networkInterface(networkInterfaceId)?.groupIds, [groupId])
        const empty = ec2.modifyNetworkInterfaceGroups({ networkInterfaceId, groupIds: [] })
        assert.strictEqual(yield* codeOf(empty), "InvalidParameterCombination")
      })
    )
  )
  it.effect("takes five groups and not six", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* (account) {
        const { ec2, world } = account
        const networkInterfaceId = yield* launched(account, 4)
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        const groupIds = world.networkInterface(networkInterfaceId)?.groupIds ?? []
        assert.strictEqual(groupIds.length, 5)
        const six = { networkInterfaceId, groupIds: [...groupIds, groupId] }
        assert.strictEqual(
          yield* codeOf(ec2.modifyNetworkInterfaceGroups(six)),
          "SecurityGroupsPerInterfaceLimitExceeded"
        )
        yield* world.change({ quotas: { groupsPerInterface: 6 } })
        assert.strictEqual(yield* codeOf(ec2.modifyNetworkInterfaceGroups(six)), "OK")
      })
    )
  )
  it.effect("of what does not exist, or lies in another VPC", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* (account) {
        const { ec2, world } = account
        const networkInterfaceId = yield* launched(account)
        const elsewhere = yield* world.hand.createGroup({ name: "a", vpcId: "vpc-2" })
        const modify = (id: string, groupId: string) =>
          codeOf(ec2.modifyNetworkInterfaceGroups({ networkInterfaceId: id, groupIds: [groupId] }))
        const gone = "00000000000000000"
        assert.strictEqual(yield* modify(networkInterfaceId, `sg-${gone}`), "InvalidGroup.NotFound")
        assert.strictEqual(yield* modify(networkInterfaceId, "name"), "InvalidGroupId.Malformed")
        assert.strictEqual(yield* modify(networkInterfaceId, elsewhere.groupId), "InvalidParameter")
        assert.strictEqual(
          yield* modify(`eni-${gone}`, elsewhere.groupId),
          "InvalidNetworkInterfaceID.NotFound"
        )
        assert.strictEqual(yield* modify("eni", elsewhere.groupId), "InvalidNetworkInterfaceId.Malformed")
      })
    )
  )
})

describe("filters", () => {
  it.effect("must all match, each by any of its values, and match nothing without values", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        yield* world.hand.launch({})
        const a = yield* ec2.createSecurityGroup({ ...newGroup("a"), tags: { k: "1", l: "x" } })
        const b = yield* ec2.createSecurityGroup({ ...newGroup("b"), tags: { k: "2" } })
        const found = (filter: Parameters<typeof ec2.describeSecurityGroups>[0]) =>
          Effect.map(ec2.describeSecurityGroups(filter), (list) => list.map((g) => g.groupId))
        assert.deepStrictEqual(yield* found({ tags: { k: ["1", "2"] } }), [a.groupId, b.groupId])
        assert.deepStrictEqual(yield* found({ tags: { k: ["1", "2"], l: ["x"] } }), [a.groupId])
        assert.deepStrictEqual(yield* found({ names: ["b"], tags: { k: ["1"] } }), [])
        assert.deepStrictEqual(yield* found({ groupIds: [b.groupId, "sg-0"], vpcIds: [homeVpc] }), [
          b.groupId
        ])
        const before = world.journal().length
        assert.deepStrictEqual(yield* found({ groupIds: [] }), [])
        assert.deepStrictEqual(yield* found({ tags: { k: [] } }), [])
        assert.deepStrictEqual(yield* ec2.describeInstances([]), [])
        assert.strictEqual(world.journal().length, before)
      })
    )
  )
  it.effect("of interfaces: by id, group and instance", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const a = yield* world.hand.launch({ interfaces: [{ isPublic: true }, { isPublic: false }] })
        yield* world.hand.launch({})
        const { groupId } = yield* ec2.createSecurityGroup(newGroup("a"))
        const [first = "", second = ""] = a.interfaceIds
        yield* world.hand.attachGroup(second, groupId)
        const found = (filter: Parameters<typeof ec2.describeNetworkInterfaces>[0]) =>
          Effect.map(ec2.describeNetworkInterfaces(filter), (list) => list.map((i) => i.networkInterfaceId))
        assert.deepStrictEqual(yield* found({ instanceIds: [a.instanceId] }), [first, second])
        assert.deepStrictEqual(yield* found({ groupIds: [groupId] }), [second])
        assert.deepStrictEqual(yield* found({ networkInterfaceIds: [first, "eni-0"] }), [first])
        assert.strictEqual((yield* found({})).length, 3)
      })
    )
  )
  it.effect("take 200 values and no more", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2 }) {
        const ids = (n: number) => Array.from({ length: n }, (_, i) => `i-${i}`)
        assert.strictEqual(yield* codeOf(ec2.describeInstances(ids(200))), "OK")
        assert.strictEqual(yield* codeOf(ec2.describeInstances(ids(201))), "FilterLimitExceeded")
      })
    )
  )
})

describe("CreateTags", () => {
  it.effect("sets tags of several resources or of none", () =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2, world }) {
        const { instanceId, interfaceIds } = yield* world.hand.launch({})
        const { groupId } = yield* ec2.createSecurityGroup({ ...newGroup("a"), tags: { k: "1", l: "x" } })
        const { allocationId } = yield* ec2.allocateAddress({ tags: {} })
        const all = [allocationId, groupId, instanceId, ...interfaceIds]
        yield* ec2.createTags({ resourceIds: all, tags: { k: "2" } })
        assert.deepStrictEqual(world.group(groupId)?.tags, { k: "2", l: "x" })
        assert.deepStrictEqual(world.address(allocationId)?.tags, { k: "2" })
        const gone = ec2.createTags({ resourceIds: [allocationId, "eipalloc-0"], tags: { k: "3" } })
        assert.strictEqual(yield* codeOf(gone), "InvalidAllocationID.NotFound")
        assert.deepStrictEqual(world.address(allocationId)?.tags, { k: "2" })
        yield* world.hand.removeTags(groupId, ["k"])
        assert.deepStrictEqual(world.group(groupId)?.tags, { l: "x" })
      })
    )
  )
  it.effect.each<readonly [string, ReadonlyArray<string>, string]>([
    ["no resource", [], "MissingParameter"],
    ["an unknown group", ["sg-0"], "InvalidGroup.NotFound"],
    ["an unknown interface", ["eni-0"], "InvalidNetworkInterfaceID.NotFound"],
    ["an unknown instance", ["i-0"], "InvalidInstanceID.NotFound"],
    ["something else", ["x"], "InvalidID"],
    ["1,001 resources", Array.from({ length: 1_001 }, (_, i) => `i-${i}`), "InvalidParameterValue"]
  ])("of %s", ([, resourceIds, code]) =>
    inAccount(
      {},
      Effect.fnUntraced(function* ({ ec2 }) {
        assert.strictEqual(yield* codeOf(ec2.createTags({ resourceIds, tags: { k: "v" } })), code)
      })
    )
  )
})
