/** In the place of the Go implementation 0.14, and back. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { all as ours } from "../../src/domain/Crd.ts"
import { held, leftAt } from "../scenario/GoConditions.ts"
import { definitions as ofGo } from "../scenario/GoDefinitions.ts"
import { use } from "./world/Definitions.ts"
import { suite } from "./world/Suite.ts"
import { type Call, isMutation } from "./world/Wire.ts"
import { autoAssign, externalIP, firewallRule, type World } from "./world/World.ts"

type Of = World["Service"]
type Fields = Readonly<Record<string, unknown>>

const prefix = "kubestatic.quortex.io"
const define = (world: Of, which: "ours" | "Go's") =>
  use(
    world,
    which === "ours"
      ? { definitions: ours, refuseTheProbe: true }
      : { definitions: ofGo, refuseTheProbe: false }
  )

const putStatus = (world: Of, kind: "externalips" | "firewallrules", name: string, status: Fields) =>
  Effect.tap(
    world.apiServer.request({
      method: "PATCH",
      path: `/apis/${prefix}/v1alpha1/${kind}/${name}/status`,
      body: { status },
      contentType: "application/merge-patch+json"
    }),
    ({ body, status: code }) => Effect.sync(() => assert.strictEqual(code, 200, body))
  )

/** One node with its address and its rules, everything tagged, named and said as that implementation does it. */
const left = Effect.fnUntraced(function* (world: Of, clusterId: string, name: string) {
  const launched = yield* world.launchNode(name, { labels: autoAssign })
  const tags = {
    [`${prefix}/managed`]: "true",
    [`${prefix}/cluster-id`]: clusterId,
    [`${prefix}/instance-id`]: launched.instanceId
  }
  const auto = `auto-assigned-${name}-x7k2p`
  const address = yield* world.cloud.allocate({ ...tags, [`${prefix}/external-ip-name`]: auto })
  yield* world.cloud.associate(address.allocationId, launched.networkInterfaceId)
  yield* world.kubectl.ok(["label", "node", name, `${prefix}/externalip=${address.publicIp}`])
  yield* world.kubectl.apply({
    ...externalIP(auto, { nodeName: name }),
    metadata: {
      name: auto,
      generateName: "auto-assigned-",
      labels: autoAssign,
      finalizers: [`externalip.finalizers.${prefix}`]
    }
  })
  // Its second pass drops instanceID.
  yield* putStatus(world, "externalips", auto, {
    state: "Associated",
    addressID: address.allocationId,
    publicIPAddress: address.publicIp,
    conditions: held("IPCreated", "NetworkInterfaceAssociated")
  })

  const groupId = yield* world.cloud.createGroup(`kubestatic-${name.replaceAll(/\W/g, "")}w2qp`, {
    ...tags,
    [`${prefix}/node-name`]: name
  })
  yield* world.cloud.revokeEgress(groupId)
  yield* world.cloud.authorize(groupId, [
    {
      IpProtocol: "tcp",
      FromPort: 443,
      ToPort: 443,
      IpRanges: [
        { CidrIp: "10.0.0.0/8", Description: "a" },
        { CidrIp: "192.0.2.0/24", Description: "b" }
      ]
    },
    { IpProtocol: "tcp", FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: "10.0.0.0/8", Description: "c" }] }
  ])
  const present = yield* world.cloud.groupsOf(launched.networkInterfaceId)
  yield* world.cloud.setGroups(launched.networkInterfaceId, [...present, groupId])
  const rules: ReadonlyArray<readonly [string, Fields]> = [
    [`https-${name}`, { fromPort: 443, toPort: 443, ipRanges: [{ cidr: "10.0.0.0/8", description: "a" }] }],
    [
      `https-too-${name}`,
      { fromPort: 443, toPort: 443, ipRanges: [{ cidr: "192.0.2.0/24", description: "b" }] }
    ],
    // That implementation opened a rule without toPort again and again.
    [`no-to-port-${name}`, { fromPort: 80, ipRanges: [{ cidr: "10.0.0.0/8", description: "c" }] }]
  ]
  for (const [rule, spec] of rules) {
    yield* world.kubectl.apply({
      ...firewallRule(rule, { nodeName: name, ...spec }),
      metadata: {
        name: rule,
        finalizers: [`firewallrule.finalizers.${prefix}`],
        annotations: { [`${prefix}/node-name`]: name }
      }
    })
    yield* putStatus(world, "firewallrules", rule, {
      state: "Applied",
      firewallRuleID: groupId,
      instanceID: launched.instanceId,
      networkInterfaceID: launched.networkInterfaceId,
      lastTransitionTime: leftAt,
      lastApplied: JSON.stringify(spec),
      conditions: held("SecurityGroupCreated", "NetworkInterfaceAssociated", "SecurityGroupRuleAuthorized")
    })
  }
  return { auto, address, groupId, name, rules: rules.map(([rule]) => rule), ...launched }
})

const actions = (calls: ReadonlyArray<Call>) => [
  ...new Set(calls.filter((c) => isMutation(c.action)).map((c) => c.action))
]

const areReady = (world: Of, before: Effect.Success<ReturnType<typeof left>>) =>
  world.kubectl.ok([
    "wait",
    `externalip/${before.auto}`,
    ...before.rules.map((rule) => `firewallrule/${rule}`),
    "--for=condition=Ready",
    "--timeout=60s"
  ])

suite("in the place of the Go implementation", {}, (scenario) => {
  scenario(
    "with its cluster id, everything is taken over and nothing is closed, moved or released",
    (world) =>
      Effect.gen(function* () {
        yield* define(world, "Go's")
        const before = yield* left(world, "production", "own-id")
        yield* define(world, "ours")
        const start = world.wire.calls().length
        const operator = yield* world.startOperator({ flags: ["--cluster-id=production"] })
        yield* operator.ready
        yield* areReady(world, before)
        yield* world.matches("both worlds agree")
        const sent = world.wire.calls().slice(start)
        assert.deepStrictEqual(actions(sent), ["CreateTags"])
        const address = (yield* world.cloud.addresses).find(
          (a) => a.allocationId === before.address.allocationId
        )
        assert.strictEqual(address?.instanceId, before.instanceId)
        const group = (yield* world.cloud.groups).find((g) => g.groupId === before.groupId)
        assert.deepStrictEqual(group?.ingress, [
          "tcp:443-443 10.0.0.0/8",
          "tcp:443-443 192.0.2.0/24",
          "tcp:80-80 10.0.0.0/8"
        ])
        const rule = yield* world.kubectl.get("firewallrule", before.rules[0] ?? "")
        assert.strictEqual(rule.metadata.annotations?.[`${prefix}/node-name`], "own-id")
      })
  )

  scenario(
    "with another cluster id nothing is touched, nothing is allocated, and the reason is said",
    (world) =>
      Effect.gen(function* () {
        yield* define(world, "Go's")
        const before = yield* left(world, "unset", "not-adopted")
        yield* define(world, "ours")
        const start = world.wire.calls().length
        const operator = yield* world.startOperator({ flags: ["--cluster-id=mine"] })
        yield* operator.ready
        for (const object of [`externalip/${before.auto}`, ...before.rules.map((r) => `firewallrule/${r}`)]) {
          yield* world.kubectl.ok([
            "wait",
            object,
            '--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=AddressNotOwned',
            "--timeout=60s"
          ])
        }
        yield* operator.end("SIGTERM")
        assert.deepStrictEqual(actions(world.wire.calls().slice(start)), [])

        const adopting = yield* world.startOperator({
          flags: ["--cluster-id=mine", "--adopt-cluster-id=unset", "--adopt-cluster-id=production"]
        })
        yield* adopting.ready
        yield* areReady(world, before)
        yield* world.matches("both worlds agree once it may adopt")
        assert.deepStrictEqual(actions(world.wire.calls().slice(start)), ["CreateTags"])
      })
  )

  scenario("what we stored is accepted by the definitions of the Go implementation", (world) =>
    Effect.gen(function* () {
      yield* define(world, "Go's")
      const stored = yield* world.kubectl.list("externalips,firewallrules")
      assert.isAbove(stored.length, 0)
      for (const object of stored) {
        const kind = object.kind === "ExternalIP" ? "externalips" : "firewallrules"
        // As that implementation writes: the whole object, then the whole status.
        for (const path of [object.metadata.name, `${object.metadata.name}/status`]) {
          const reply = yield* world.apiServer.request({
            method: "PUT",
            path: `/apis/${prefix}/v1alpha1/${kind}/${path}?dryRun=All`,
            body: object
          })
          assert.strictEqual(reply.status, 200, `${path}: ${reply.body}`)
        }
      }
    })
  )
})
