/**
 * /metrics of an operator that has lived through good and bad days, and of one that never became ready, scraped over HTTP
 * as Prometheus does.
 * Rule: nothing is set by hand; what is there was counted by the running operator.
 */
import { Effect, Metric } from "effect"
import { autoAssignLabel, Tag } from "../../src/domain/Names.ts"
import * as Metrics from "../../src/http/Metrics.ts"
import { send } from "../http/Client.ts"
import * as Reviews from "../http/Reviews.ts"
import * as World from "../World.ts"

const auto = { [autoAssignLabel]: "true" }

type Of = Effect.Success<ReturnType<typeof World.make>>

const live = Effect.fnUntraced(function* (world: Of) {
  // Left behind by an earlier version: a port that nobody asked for.
  yield* world.launch("n1", { labels: auto })
  const leftover = yield* world.ec2.hand.createGroup({
    name: "kubestatic-leftover",
    vpcId: "vpc-1",
    tags: { [Tag.managed]: "true", [Tag.clusterId]: World.clusterId, [Tag.nodeName]: "n1" }
  })
  yield* world.ec2.hand.authorize({
    groupId: leftover.groupId,
    direction: "Ingress",
    permissions: World.ssh
  })
  yield* world.create("FirewallRule", "open", { ...World.rule, nodeName: "n1" })
  yield* world.create("FirewallRule", "pending", { ...World.rule, nodeName: "n9" })
  yield* world.create("ExternalIP", "reserved", {})
  yield* world.create("ExternalIP", "kept", { preventEIPDeallocation: true })
  const running = yield* world.start()
  yield* world.pass("20 seconds")
  yield* world.remove("ExternalIP", "kept")
  // Somebody else changes what is ours.
  const [attached] = world.ec2.addresses().filter((a) => a.association !== undefined)
  yield* world.ec2.hand.disassociate(attached?.allocationId ?? "")
  yield* world.ec2.hand.detachGroup(world.interfaceOf("n1"), world.groups()[0]?.groupId ?? "")
  yield* world.pass("6 minutes")
  // Bad days: no permission, others use up the buckets, a quota is reached.
  yield* world.ec2.deny("AuthorizeSecurityGroupIngress")
  yield* world.create("FirewallRule", "refused", { ...World.rule, fromPort: 81, nodeName: "n1" })
  yield* world.ec2.drain("DescribeInstances", 1_000)
  yield* world.ec2.drain("AllocateAddress", 1_000)
  yield* world.launch("n2", { labels: auto })
  yield* world.pass("30 seconds")
  yield* world.ec2.change({ quotas: { addresses: 0 } })
  yield* world.create("ExternalIP", "too-many", {})
  yield* world.pass("30 seconds")
  // Slower than a write may take: its outcome is not known.
  yield* world.ec2.change({ quotas: { addresses: 100 }, latency: { min: 9_000, max: 9_000 } })
  yield* world.create("ExternalIP", "slow", {})
  yield* world.pass("30 seconds")
  return running.operator
})

/** Started with credentials that EC2 does not take: it never becomes ready. */
const startInVain = Effect.fnUntraced(function* (world: Of) {
  yield* world.ec2.change({ areCredentialsValid: false })
  const running = yield* world.start()
  yield* world.pass("15 minutes")
  return running.operator
})

/** The text that a scrape gives, from a registry of its own. */
const scrapeAfter = (life: typeof live) =>
  Effect.gen(function* () {
    const world = yield* World.make()
    const operator = yield* life(world)
    const { port } = yield* Metrics.serve({
      bind: { host: "127.0.0.1", port: 0 },
      isSecure: false,
      certificateFolder: undefined,
      version: "1.2.3",
      refresh: operator.updateGauges
    })
    return (yield* send({ port, path: "/metrics" })).body
  }).pipe(
    Effect.scoped,
    Effect.provide(Reviews.usual().layer),
    Effect.provideServiceEffect(
      Metric.MetricRegistry,
      Effect.sync(() => new Map())
    ),
    Effect.orDie
  )

export const scrape = scrapeAfter(live)
export const scrapeOfUnready = scrapeAfter(startInVain)
