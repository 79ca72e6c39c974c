/** FirewallRules of every kind, as kubectl and EC2 show them. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { eventually, missing, there } from "./world/Eventually.ts"
import * as Shown from "./world/Shown.ts"
import { suite } from "./world/Suite.ts"
import { externalIP, firewallRule, type World } from "./world/World.ts"

type Of = World["Service"]

const wait = (world: Of, name: string, what: string) => Shown.wait(world, `firewallrule/${name}`, what)
const isRefused = (world: Of, name: string, reason: string) =>
  Shown.says(world, `firewallrule/${name}`, reason)
const remove = (world: Of, ...names: ReadonlyArray<string>) =>
  world.kubectl.ok(["delete", "firewallrule", ...names, "--timeout=60s"])

const groupOf = (world: Of, nodeName: string) =>
  Effect.map(world.cloud.groups, (all) =>
    all.find((g) => g.tags["kubestatic.quortex.io/node-name"] === nodeName)
  )

suite("firewall rules", {}, (scenario) => {
  scenario("rules of every protocol are open as EC2 writes them, and kubectl shows each", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.launchNode("every")
      const on = (spec: Readonly<Record<string, unknown>>) => ({ nodeName: "every", ...spec })
      const range = (cidr: string, description?: string) => ({
        ipRanges: [{ cidr, ...(description === undefined ? {} : { description }) }]
      })
      yield* world.kubectl.apply(
        firewallRule(
          "tcp",
          on({ protocol: "TCP", fromPort: 443, toPort: 444, ...range("0.0.0.0/0", "all") })
        ),
        firewallRule("udp", on({ protocol: "17", fromPort: 53 })),
        firewallRule("ping", on({ protocol: "icmp", fromPort: 8 })),
        firewallRule("echo-reply", on({ protocol: "icmp", fromPort: 0, toPort: 0 })),
        firewallRule("icmp6", on({ protocol: "ICMPv6", fromPort: -1 })),
        firewallRule("esp", on({ protocol: "50", fromPort: 0 })),
        firewallRule("everything", on({ protocol: "-1", fromPort: 0, ...range("192.0.2.0/24") })),
        firewallRule("host-bits", on({ fromPort: 8080, ...range("10.1.2.3/8") })),
        firewallRule("same-port", on({ fromPort: 8080, ...range("172.16.0.0/12") })),
        firewallRule("same-again", on({ fromPort: 8080, ...range("172.16.0.0/12", "another description") })),
        firewallRule("out", on({ direction: "Egress", fromPort: 25 }))
      )
      yield* world.kubectl.ok(["wait", "firewallrules", "--all", "--for=condition=Ready", "--timeout=60s"])
      const group = yield* groupOf(world, "every")
      assert.deepStrictEqual(group?.ingress, [
        "-1 192.0.2.0/24",
        "50 10.0.0.0/8",
        "icmp:0-0 10.0.0.0/8",
        "icmp:8--1 10.0.0.0/8",
        "icmpv6:-1--1 10.0.0.0/8",
        "tcp:443-444 0.0.0.0/0",
        "tcp:8080-8080 10.0.0.0/8",
        "tcp:8080-8080 172.16.0.0/12",
        "udp:53-53 10.0.0.0/8"
      ])
      assert.deepStrictEqual(group?.egress, ["tcp:25-25 10.0.0.0/8"])
      assert.match(group?.name ?? "", /^kubestatic\/[0-9a-f-]{36}\/every$/)

      const table = yield* world.kubectl.ok(["get", "firewallrules"])
      assert.match(table, /^NAME +DIRECTION +PROTOCOL +PORTS +STATE +NODE +READY +AGE\n/)
      assert.match(table, /^tcp +Ingress +TCP +443 +Applied +every +True +\d+s$/m)
      assert.match(table, /^out +Egress +tcp +25 +Applied +every +True +\d+s$/m)
      const one = yield* world.kubectl.get("firewallrule", "tcp")
      assert.strictEqual(one.status?.firewallRuleID, group?.groupId)
      for (const type of [
        "SecurityGroupCreated",
        "NetworkInterfaceAssociated",
        "SecurityGroupRuleAuthorized"
      ]) {
        const condition = one.status?.conditions?.find((c) => c.type === type)
        assert.deepStrictEqual([condition?.status, condition?.reason], ["True", type])
      }
      const described = yield* Shown.tells(world, "firewallrule/tcp", "Normal", "RuleOpened")
      assert.include(described, "Last Transition Time")

      // The range of two stays open for the other one.
      yield* remove(world, "same-again")
      assert.include((yield* groupOf(world, "every"))?.ingress ?? [], "tcp:8080-8080 172.16.0.0/12")
      yield* remove(world, "same-port")
      assert.notInclude((yield* groupOf(world, "every"))?.ingress ?? [], "tcp:8080-8080 172.16.0.0/12")
      yield* remove(
        world,
        ...["tcp", "udp", "ping", "echo-reply", "icmp6", "esp", "everything", "host-bits", "out"]
      )
      assert.isUndefined(yield* groupOf(world, "every"))
      yield* world.matches("no rule and no group is left")
    })
  )

  scenario("a rule that is edited is never closed where it is wanted, before and after", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.launchNode("edited")
      const rule = (ipRanges: ReadonlyArray<string>, spec = {}) =>
        firewallRule("edit", { nodeName: "edited", ipRanges: ipRanges.map((cidr) => ({ cidr })), ...spec })
      yield* world.kubectl.apply(rule(["10.0.0.0/8", "192.0.2.0/24"]))
      yield* wait(world, "edit", "condition=Ready")
      const before = world.wire.calls().length
      yield* world.kubectl.apply(rule(["192.0.2.0/24", "198.51.100.0/24"]))
      yield* world.matches("the ranges are changed")
      const changed = world.wire
        .calls()
        .slice(before)
        .filter((c) => c.action.includes("Authorize") || c.action.includes("Revoke"))
      assert.deepStrictEqual(
        changed.map((c) => [c.action, c.parameters["IpPermissions.1.IpRanges.1.CidrIp"]]),
        [
          ["AuthorizeSecurityGroupIngress", "198.51.100.0/24"],
          ["RevokeSecurityGroupIngress", "10.0.0.0/8"]
        ]
      )
      yield* world.kubectl.apply(rule(["192.0.2.0/24", "198.51.100.0/24"], { description: "said otherwise" }))
      yield* eventually(
        "the description is changed in place",
        Effect.sync(() => {
          const last = world.wire.calls().at(-1)?.action
          return last === "UpdateSecurityGroupRuleDescriptionsIngress"
            ? there(undefined)
            : missing(String(last))
        })
      )
      yield* world.matches("it is open as before")
      yield* remove(world, "edit")
    })
  )

  scenario("a rule follows the address it names, and closes behind itself", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.launchNode("follow-a")
      yield* world.launchNode("follow-b")
      yield* world.kubectl.apply(externalIP("followed", { nodeName: "follow-a" }))
      yield* world.kubectl.ok(["wait", "externalip/followed", "--for=condition=Ready", "--timeout=60s"])
      const ip = (yield* world.kubectl.get("externalip", "followed")).status?.publicIPAddress
      // The address wins over the node that is named beside it.
      yield* world.kubectl.apply(firewallRule("follows", { publicIPAddress: ip, nodeName: "follow-b" }))
      yield* wait(world, "follows", "jsonpath={.status.nodeName}=follow-a")
      yield* world.matches("it is open where the address is")
      yield* world.kubectl.apply(externalIP("followed", { nodeName: "follow-b" }))
      yield* wait(world, "follows", "jsonpath={.status.nodeName}=follow-b")
      yield* world.matches("it has moved along")
      yield* world.kubectl.ok(["delete", "externalip", "followed", "--timeout=60s"])
      yield* wait(world, "follows", "jsonpath={.status.state}=Pending")
      yield* world.matches("it is closed with the address gone")
      yield* remove(world, "follows")
    })
  )

  scenario("a rule waits for its node, moves, and is deleted after its node", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.kubectl.apply(firewallRule("waits", { nodeName: "late" }))
      yield* isRefused(world, "waits", "NodeNotFound")
      const late = yield* world.launchNode("late")
      yield* wait(world, "waits", "condition=Ready")
      yield* world.launchNode("later")
      yield* world.kubectl.apply(firewallRule("waits", { nodeName: "later" }))
      yield* wait(world, "waits", "jsonpath={.status.nodeName}=later")
      yield* world.matches("it is open on the second node, and the first has no group")
      yield* world.kubectl.apply(firewallRule("waits", {}))
      yield* isRefused(world, "waits", "NotRequested")
      yield* world.matches("it is closed everywhere")
      yield* world.kubectl.apply(firewallRule("waits", { nodeName: "late" }))
      yield* wait(world, "waits", "condition=Ready")
      yield* world.kubectl.ok(["delete", "node", "late"])
      yield* world.cloud.terminate(late.instanceId)
      yield* remove(world, "waits")
      yield* world.matches("nothing of it is left")
    })
  )

  scenario("a disabled rule stays as it is, and deleting it closes it", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.launchNode("paused")
      const rule = (spec: Readonly<Record<string, unknown>>) =>
        firewallRule("pauses", { nodeName: "paused", ...spec })
      yield* world.kubectl.apply(rule({}), firewallRule("beside", { nodeName: "paused", fromPort: 22 }))
      yield* wait(world, "pauses", "condition=Ready")
      yield* wait(world, "beside", "condition=Ready")
      yield* world.kubectl.apply(
        rule({ disableReconciliation: true, ipRanges: [{ cidr: "10.0.0.0/8" }, { cidr: "192.0.2.0/24" }] })
      )
      yield* isRefused(world, "pauses", "ReconciliationDisabled")
      yield* remove(world, "beside")
      assert.deepStrictEqual((yield* groupOf(world, "paused"))?.ingress, ["tcp:80-80 10.0.0.0/8"])
      yield* remove(world, "pauses")
      yield* world.matches("it is closed")
    })
  )

  scenario("over the quota the oldest rules are open and the rest say so", (world) =>
    Effect.gen(function* () {
      const operator = yield* world.startOperator()
      yield* operator.ready
      yield* world.launchNode("quota")
      yield* world.emulator.setQuotas({ rules_per_group: 2 })
      for (const port of [1, 2, 3]) {
        yield* world.kubectl.apply(firewallRule(`quota-${port}`, { nodeName: "quota", fromPort: port }))
        if (port < 3) yield* wait(world, `quota-${port}`, "condition=Ready")
      }
      yield* isRefused(world, "quota-3", "RuleLimitExceeded")
      assert.deepStrictEqual((yield* groupOf(world, "quota"))?.ingress, [
        "tcp:1-1 10.0.0.0/8",
        "tcp:2-2 10.0.0.0/8"
      ])
      yield* remove(world, "quota-1")
      yield* wait(world, "quota-3", "condition=Ready")
      yield* world.emulator.setQuotas({ rules_per_group: 60 })
      yield* remove(world, "quota-2", "quota-3")
      yield* world.matches("nothing of them is left")
    })
  )

  scenario("what is changed in EC2 by hand is put right, and foreign groups stay", (world) =>
    Effect.gen(function* () {
      const flags = ["--drift-interval=5s"]
      const before = yield* world.startOperator({ flags })
      yield* before.ready
      const launched = yield* world.launchNode("drift")
      yield* world.kubectl.apply(firewallRule("drifts", { nodeName: "drift" }))
      yield* wait(world, "drifts", "condition=Ready")
      const foreign = yield* world.cloud.createGroup("somebody-else", {})
      const present = yield* world.cloud.groupsOf(launched.networkInterfaceId)
      yield* world.cloud.setGroups(launched.networkInterfaceId, [...present, foreign])
      // What a process wrote itself it believes for two minutes; the next one has written nothing.
      yield* before.end("SIGTERM")
      const operator = yield* world.startOperator({ flags })
      yield* operator.ready
      const group = (yield* groupOf(world, "drift"))?.groupId ?? ""

      yield* world.cloud.authorize(group, [
        { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "0.0.0.0/0" }] },
        { IpProtocol: "tcp", FromPort: 23, ToPort: 23, Ipv6Ranges: [{ CidrIpv6: "::/0" }] },
        { IpProtocol: "tcp", FromPort: 24, ToPort: 24, UserIdGroupPairs: [{ GroupId: foreign }] }
      ])
      yield* world.cloud.revoke(group, [
        { IpProtocol: "tcp", FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: "10.0.0.0/8" }] }
      ])
      yield* world.cloud.setGroups(launched.networkInterfaceId, [
        ...present.filter((g) => g !== group),
        foreign
      ])
      // A sweep between these three would put right the first ones, and believe that for two minutes.
      yield* world.matches("all of it is put right", { within: "3 minutes" })
      assert.include(yield* world.cloud.groupsOf(launched.networkInterfaceId), foreign)
      yield* remove(world, "drifts")
      assert.include(yield* world.cloud.groupsOf(launched.networkInterfaceId), foreign)
      yield* world.matches("the foreign group stays")
    })
  )
})
