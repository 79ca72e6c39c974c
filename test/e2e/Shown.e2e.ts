/** Every column, condition, reason and event, as kubectl shows them to whoever asks why. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { all as ours } from "../../src/domain/Crd.ts"
import { explanations as events } from "../../src/domain/EventReason.ts"
import { explanations as reasons } from "../../src/domain/Reason.ts"
import { permissive } from "../domain/Corpus.ts"
import type { Address, Group } from "./world/Cloud.ts"
import { use } from "./world/Definitions.ts"
import { eventually, missing, there } from "./world/Eventually.ts"
import { type Name, row, says, tells, told, wait } from "./world/Shown.ts"
import { suite } from "./world/Suite.ts"
import { type Fate, pass } from "./world/Wire.ts"
import { autoAssign, externalIP, firewallRule, node, type World } from "./world/World.ts"

type Of = World["Service"]
type Fields = Readonly<Record<string, unknown>>

const prefix = "kubestatic.quortex.io"
const clusterId = "shown"
/** Where an instance of AWS would be, and none is. */
const nowhere = "aws:///eu-west-1a/i-0123456789abcdef0"

/** Nodes on which nothing can be done, and why. */
const unfit = [
  ["elsewhere", "UnsupportedNode"],
  ["private", "NoPublicInterface"],
  ["stranger", "OtherVpc"]
] as const

/** What was seen, to be held against what there is to be seen: `kind reason`, and reasons of events. */
const seen = { reasons: new Set<string>(), events: new Set<string>() }

const kindOf = (object: Name) => (object.startsWith("externalip/") ? "ExternalIP" : "FirewallRule")

const shows = (world: Of, object: Name, reason: keyof typeof reasons) =>
  Effect.tap(says(world, object, reason), () =>
    Effect.sync(() => seen.reasons.add(`${kindOf(object)} ${reason}`))
  )
const happened = (world: Of, object: Name, reason: keyof typeof events) =>
  Effect.tap(tells(world, object, events[reason].type, reason), () =>
    Effect.sync(() => seen.events.add(reason))
  )
const hadHappened = (world: Of, name: string, reason: keyof typeof events) =>
  Effect.tap(told(world, name, events[reason].type, reason), () => Effect.sync(() => seen.events.add(reason)))

/** Ready is False for this reason, the row says so, and there is a warning for whoever can do something about it. */
const troubles = Effect.fnUntraced(function* (
  world: Of,
  object: Name,
  reason: keyof typeof reasons,
  o: { readonly isQuiet?: boolean } = {}
) {
  yield* shows(world, object, reason)
  yield* row(world, object, { READY: "False" })
  if (o.isQuiet !== true) yield* tells(world, object, "Warning", reason)
})

/** Puts an object under test, looks at it, and takes it away again. */
const during = Effect.fnUntraced(function* <E, R>(
  world: Of,
  object: Fields & { readonly kind: string; readonly metadata: { readonly name: string } },
  look: (name: Name) => Effect.Effect<unknown, E, R>
) {
  const name: Name = `${object.kind === "ExternalIP" ? "externalip" : "firewallrule"}/${object.metadata.name}`
  yield* world.kubectl.apply(object)
  yield* look(name)
  world.wire.decide(() => pass)
  yield* world.kubectl.ok(["delete", name, "--timeout=60s"])
})

/** EC2 refuses one action, always, with this code. */
const refusing =
  (action: string, code: string, status = 400) =>
  (call: { readonly action: string }): Fate =>
    call.action === action ? { _tag: "Refuse", status, code } : pass

const ofName = (addresses: ReadonlyArray<Address>, name: string) =>
  addresses.find((a) => a.tags[`${prefix}/external-ip-name`] === name)
const ofNode = (groups: ReadonlyArray<Group>, name: string) =>
  groups.find((g) => g.tags[`${prefix}/node-name`] === name)

const putStatus = ({ kubectl }: Of, object: Name, status: Fields) =>
  kubectl.ok([
    "patch",
    object,
    "--subresource=status",
    "--type=merge",
    `--patch=${JSON.stringify({ status })}`
  ])

const started = Effect.fnUntraced(function* (world: Of, ...flags: ReadonlyArray<string>) {
  const operator = yield* world.startOperator({ flags: [`--cluster-id=${clusterId}`, ...flags] })
  yield* operator.ready
  return operator
})

suite("what kubectl shows", {}, (scenario) => {
  scenario("an address, from before there is an operator until after it is gone", (world) =>
    Effect.gen(function* () {
      const { cloud, kubectl, wire } = world
      const mine: Name = "externalip/mine"
      const put = (spec: Fields) => kubectl.apply(externalIP("mine", spec))
      yield* put({})
      yield* row(world, mine, { NAME: "mine", STATE: "", "PUBLIC IP": "", NODE: "", READY: "" })
      yield* started(world)
      yield* wait(world, mine, "condition=Ready")
      yield* wait(world, mine, "condition=IPCreated")
      yield* wait(world, mine, "condition=NetworkInterfaceAssociated=false")
      const address = ofName(yield* cloud.addresses, "mine")
      const ip = address?.publicIp ?? ""
      const reserved = yield* row(world, mine, {
        STATE: "Reserved",
        "PUBLIC IP": ip,
        NODE: "",
        READY: "True"
      })
      assert.match(reserved.AGE ?? "", /^\d+s$/)
      yield* happened(world, mine, "AddressAllocated")
      const unattached = yield* kubectl.get("externalip", "mine")
      seen.reasons.add(
        `ExternalIP ${unattached.status?.conditions?.find((c) => c.type === "NetworkInterfaceAssociated")?.reason}`
      )

      const a = yield* world.launchNode("shown-a")
      const b = yield* world.launchNode("shown-b")
      yield* put({ nodeName: "shown-a" })
      yield* wait(world, mine, "jsonpath={.status.state}=Associated")
      yield* wait(world, mine, "condition=NetworkInterfaceAssociated")
      yield* row(world, mine, { STATE: "Associated", "PUBLIC IP": ip, NODE: "shown-a", READY: "True" })
      yield* wait(world, mine, `jsonpath={.status.instanceID}=${a.instanceId}`)
      yield* happened(world, mine, "AddressAttached")
      yield* put({ nodeName: "shown-b" })
      yield* wait(world, mine, `jsonpath={.status.instanceID}=${b.instanceId}`)
      yield* happened(world, mine, "AddressDetached")
      yield* happened(world, mine, "AddressMoved")
      yield* put({ nodeName: "shown-c" })
      yield* troubles(world, mine, "NodeNotFound", { isQuiet: true })
      yield* row(world, mine, { STATE: "Reserved", "PUBLIC IP": ip, NODE: "shown-c" })
      yield* put({ nodeName: "shown-a", disableReconciliation: true })
      yield* shows(world, mine, "ReconciliationDisabled")
      yield* wait(world, mine, "condition=Ready=unknown")
      yield* row(world, mine, { STATE: "Reserved", READY: "Unknown" })

      wire.decide(refusing("ReleaseAddress", "InternalError", 500))
      yield* kubectl.ok(["delete", mine, "--wait=false"])
      yield* troubles(world, mine, "Deleting", { isQuiet: true })
      wire.decide(() => pass)
      yield* kubectl.ok(["wait", mine, "--for=delete", "--timeout=60s"])
      yield* hadHappened(world, "mine", "AddressReleased")
      assert.isUndefined(ofName(yield* cloud.addresses, "mine"))
    })
  )

  scenario("a node that is given an address", (world) =>
    Effect.gen(function* () {
      const { cloud, kubectl } = world
      yield* started(world)
      yield* world.launchNode("given", { labels: autoAssign })
      yield* happened(world, "node/given", "AddressAssigned")
      yield* kubectl.ok(["wait", "externalip", "--all", "--for=condition=Ready", "--timeout=60s"])
      const [address] = yield* cloud.addresses
      const labelled = yield* kubectl.ok(["get", "node", "given", "-L", `${prefix}/externalip`])
      assert.include(labelled, address?.publicIp ?? "none")
      yield* world.matches("it is served")
    })
  )

  scenario("why an address is not as asked", (world) =>
    Effect.gen(function* () {
      const { cloud, emulator, kubectl, wire } = world
      const { vpcId } = yield* cloud.subnet
      yield* started(world, `--vpc-id=${vpcId}`)
      yield* world.launchNode("host")
      yield* world.launchNode("private", { isPublic: false })
      const stranger = yield* cloud.launch({ subnetId: (yield* cloud.makeVpc).subnetId })
      yield* kubectl.apply(
        node("elsewhere", { providerID: "gce://project/zone/machine" }),
        node("stranger", { providerID: stranger.providerID })
      )
      for (const [on, reason] of unfit) {
        yield* during(world, externalIP(`on-${on}`, { nodeName: on }), (e) => troubles(world, e, reason))
      }
      yield* kubectl.apply(externalIP("first", { nodeName: "host" }))
      yield* wait(world, "externalip/first", "condition=Ready")
      yield* during(world, externalIP("second", { nodeName: "host" }), (e) =>
        troubles(world, e, "NodeAlreadyHasAddress")
      )
      yield* kubectl.ok(["delete", "externalip/first", "--timeout=60s"])

      yield* emulator.setQuotas({ addresses: (yield* cloud.addresses).length })
      const allocations = () => wire.calls().filter((c) => c.action === "AllocateAddress").length
      const before = allocations()
      yield* during(world, externalIP("too-many"), (e) => troubles(world, e, "AddressLimitExceeded"))
      // Only a wait helps, and what it wrote itself does not shorten it.
      assert.strictEqual(allocations() - before, 1)
      yield* emulator.setQuotas({ addresses: 1000 })
      wire.decide(refusing("AllocateAddress", "UnauthorizedOperation", 403))
      yield* during(world, externalIP("forbidden"), (e) => troubles(world, e, "Forbidden"))
      wire.decide(refusing("AllocateAddress", "RequestLimitExceeded", 503))
      yield* during(world, externalIP("throttled"), (e) => troubles(world, e, "Throttled", { isQuiet: true }))
      wire.decide(refusing("AssociateAddress", "InternalError", 500))
      yield* during(world, externalIP("failing", { nodeName: "host" }), (e) =>
        troubles(world, e, "ProviderError")
      )
      let answer = () => {}
      const until = new Promise<void>((resolve) => {
        answer = resolve
      })
      wire.decide(({ action }) => (action === "AllocateAddress" ? { _tag: "Hold", until } : pass))
      yield* during(world, externalIP("allocating"), (e) =>
        Effect.gen(function* () {
          yield* shows(world, e, "Allocating")
          yield* wait(world, e, "condition=IPCreated=unknown")
          answer()
          yield* wait(world, e, "condition=Ready")
        })
      )

      const foreign = yield* cloud.allocate({
        [`${prefix}/managed`]: "true",
        [`${prefix}/cluster-id`]: "other"
      })
      yield* kubectl.apply(externalIP("foreign", { disableReconciliation: true }))
      yield* putStatus(world, "externalip/foreign", { state: "Reserved", addressID: foreign.allocationId })
      yield* during(world, externalIP("foreign"), (e) => troubles(world, e, "AddressNotOwned"))
      yield* cloud.release(foreign.allocationId)
      yield* world.matches("what was refused is gone")
    })
  )

  scenario("a rule, from before it has a node until after it is closed", (world) =>
    Effect.gen(function* () {
      const { cloud, kubectl, wire } = world
      yield* started(world)
      const mine: Name = "firewallrule/mine"
      const put = (spec: Fields) =>
        kubectl.apply(firewallRule("mine", { protocol: "udp", fromPort: 53, toPort: 54, ...spec }))
      yield* put({})
      yield* troubles(world, mine, "NotRequested", { isQuiet: true })
      yield* row(world, mine, {
        NAME: "mine",
        DIRECTION: "Ingress",
        PROTOCOL: "udp",
        PORTS: "53",
        STATE: "Pending",
        NODE: "",
        READY: "False"
      })
      yield* put({ nodeName: "open" })
      yield* troubles(world, mine, "NodeNotFound", { isQuiet: true })
      yield* world.launchNode("open")
      yield* wait(world, mine, "condition=Ready")
      for (const type of [
        "SecurityGroupCreated",
        "NetworkInterfaceAssociated",
        "SecurityGroupRuleAuthorized"
      ]) {
        yield* wait(world, mine, `condition=${type}`)
      }
      yield* row(world, mine, { STATE: "Applied", NODE: "open", READY: "True" })
      yield* happened(world, mine, "RuleOpened")

      wire.decide(refusing("UpdateSecurityGroupRuleDescriptionsIngress", "UnauthorizedOperation", 403))
      yield* put({ nodeName: "open", description: "another" })
      yield* happened(world, mine, "DescriptionNotUpdated")
      wire.decide(() => pass)
      yield* put({ nodeName: "open", description: "another", disableReconciliation: true })
      yield* shows(world, mine, "ReconciliationDisabled")
      yield* row(world, mine, { STATE: "Applied", NODE: "open", READY: "Unknown" })
      assert.deepStrictEqual(ofNode(yield* cloud.groups, "open")?.ingress, ["udp:53-54 10.0.0.0/8"])
      yield* put({ description: "another", disableReconciliation: false })
      yield* happened(world, mine, "RuleClosing")
      yield* row(world, mine, { STATE: "Pending", NODE: "", READY: "False" })

      yield* put({ nodeName: "open" })
      yield* wait(world, mine, "condition=Ready")
      // Beside another rule, so that it is revoked and not just let go with the group.
      yield* kubectl.apply(firewallRule("beside", { nodeName: "open" }))
      yield* wait(world, "firewallrule/beside", "condition=Ready")
      wire.decide(refusing("RevokeSecurityGroupIngress", "InternalError", 500))
      yield* kubectl.ok(["delete", mine, "--wait=false"])
      yield* troubles(world, mine, "Deleting", { isQuiet: true })
      wire.decide(() => pass)
      yield* kubectl.ok(["wait", mine, "--for=delete", "--timeout=60s"])
      yield* hadHappened(world, "mine", "RuleClosed")
      yield* kubectl.ok(["delete", "firewallrule/beside", "--timeout=60s"])
      yield* world.matches("nothing of it is left")
    })
  )

  scenario("why a rule is not as asked", (world) =>
    Effect.gen(function* () {
      const { cloud, emulator, kubectl, wire } = world
      const { vpcId } = yield* cloud.subnet
      yield* started(world, `--vpc-id=${vpcId}`)
      const host = yield* world.launchNode("guarded")
      const rule = (name: string, spec: Fields = {}) => firewallRule(name, { nodeName: "guarded", ...spec })
      yield* kubectl.apply(node("not-running", { providerID: nowhere }))
      for (const [on, reason] of unfit) {
        yield* during(world, rule(`on-${on}`, { nodeName: on }), (r) => troubles(world, r, reason))
      }
      yield* during(world, rule("on-not-running", { nodeName: "not-running" }), (r) =>
        troubles(world, r, "NodeRetrievalError", { isQuiet: true })
      )

      const named = yield* cloud.createGroup(`kubestatic/${clusterId}/guarded`, {})
      yield* during(world, rule("name-taken"), (r) => troubles(world, r, "GroupNameTaken"))
      yield* cloud.deleteGroup(named)
      wire.decide(refusing("CreateSecurityGroup", "SecurityGroupLimitExceeded"))
      yield* during(world, rule("too-many-groups"), (r) => troubles(world, r, "GroupLimitExceeded"))
      const present = yield* cloud.groupsOf(host.networkInterfaceId)
      yield* emulator.setQuotas({ groups_per_interface: present.length })
      yield* during(world, rule("crowded"), (r) => troubles(world, r, "GroupsPerInterfaceLimitExceeded"))
      yield* emulator.setQuotas({ groups_per_interface: 5, rules_per_group: 1 })
      yield* kubectl.apply(rule("older", { fromPort: 1 }))
      yield* wait(world, "firewallrule/older", "condition=Ready")
      yield* during(world, rule("younger", { fromPort: 2 }), (r) => troubles(world, r, "RuleLimitExceeded"))
      yield* kubectl.ok(["delete", "firewallrule/older", "--timeout=60s"])
      yield* emulator.setQuotas({ rules_per_group: 60 })
      wire.decide(refusing("AuthorizeSecurityGroupIngress", "UnauthorizedOperation", 403))
      yield* during(world, rule("forbidden"), (r) => troubles(world, r, "Forbidden"))
      wire.decide(refusing("AuthorizeSecurityGroupIngress", "RequestLimitExceeded", 503))
      yield* during(world, rule("throttled"), (r) => troubles(world, r, "Throttled", { isQuiet: true }))
      wire.decide(refusing("AuthorizeSecurityGroupIngress", "InternalError", 500))
      yield* during(world, rule("failing"), (r) => troubles(world, r, "ProviderError"))

      const foreign = yield* cloud.createGroup("of-another-cluster", {
        [`${prefix}/managed`]: "true",
        [`${prefix}/cluster-id`]: "other",
        [`${prefix}/node-name`]: "guarded"
      })
      yield* kubectl.apply(rule("foreign", { disableReconciliation: true }))
      yield* putStatus(world, "firewallrule/foreign", { state: "Applied", firewallRuleID: foreign })
      yield* during(world, rule("foreign"), (r) => troubles(world, r, "AddressNotOwned"))
      yield* cloud.deleteGroup(foreign)
    })
  )

  scenario("objects of a time when nothing was validated", (world) =>
    Effect.gen(function* () {
      const { kubectl } = world
      yield* use(world, { definitions: permissive, refuseTheProbe: false })
      yield* kubectl.apply(
        externalIP("unreadable", { nodeName: 5 }),
        firewallRule("unreadable", { nodeName: "guarded", protocol: "http" })
      )
      yield* use(world, { definitions: ours, refuseTheProbe: true })
      yield* started(world)
      yield* troubles(world, "externalip/unreadable", "InvalidSpec")
      yield* troubles(world, "firewallrule/unreadable", "InvalidRule")
      yield* kubectl.ok(["delete", "externalip/unreadable", "firewallrule/unreadable", "--timeout=60s"])
    })
  )

  scenario("what an earlier version left open on a node", (world) =>
    Effect.gen(function* () {
      const { cloud } = world
      const { networkInterfaceId } = yield* world.launchNode("inherited")
      const group = yield* cloud.createGroup("kubestatic-inherited", {
        [`${prefix}/managed`]: "true",
        [`${prefix}/cluster-id`]: clusterId,
        [`${prefix}/node-name`]: "inherited"
      })
      const open = (port: number) => ({
        IpProtocol: "tcp",
        FromPort: port,
        ToPort: port,
        IpRanges: [{ CidrIp: "10.0.0.0/8" }]
      })
      yield* cloud.authorize(group, [open(80), open(22)])
      yield* cloud.setGroups(networkInterfaceId, [...(yield* cloud.groupsOf(networkInterfaceId)), group])
      yield* world.kubectl.apply(firewallRule("wanted", { nodeName: "inherited" }))
      yield* started(world)
      const described = yield* happened(world, "node/inherited", "LeftoversClosed")
      assert.include(described, "Ingress tcp 22-22 10.0.0.0/8")
      yield* eventually(
        "it is closed, and what is wanted is open",
        Effect.map(cloud.groups, (all) => {
          const ingress = ofNode(all, "inherited")?.ingress
          return ingress?.join() === "tcp:80-80 10.0.0.0/8" ? there(undefined) : missing(String(ingress))
        })
      )
    })
  )

  scenario("every reason and every event there is was seen here", () =>
    Effect.sync(() => {
      const all = Object.entries(reasons).flatMap(([reason, { on }]) => on.map((kind) => `${kind} ${reason}`))
      assert.sameMembers([...seen.reasons], all)
      assert.sameMembers([...seen.events], Object.keys(events))
    })
  )
})
