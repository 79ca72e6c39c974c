/**
 * Memory: of the process in a large cluster, of each watched object, of each idle actor, and after many came and went.
 * Rule: the process is the built bundle and is asked by /proc; single things are measured many at a time.
 */
import { Duration, Effect, Layer, References, Scope } from "effect"
import * as ActorSystem from "../../src/actor/ActorSystem.ts"
import * as Next from "../../src/actor/Next.ts"
import * as Retry from "../../src/actor/Retry.ts"
import * as ExternalIP from "../../src/domain/ExternalIP.ts"
import type { Fields } from "../../src/domain/Fields.ts"
import * as FirewallRule from "../../src/domain/FirewallRule.ts"
import * as Node from "../../src/domain/Node.ts"
import type { Raw } from "../../src/domain/Object.ts"
import * as Pod from "../../src/domain/Pod.ts"
import type { Ec2 } from "../../src/ec2/Ec2.ts"
import { Ec2 as Ec2Service } from "../../src/ec2/Ec2.ts"
import * as Inventory from "../../src/ec2/Inventory.ts"
import { Kubernetes } from "../../src/kubernetes/Kubernetes.ts"
import { ListReader } from "../../src/kubernetes/ListReader.ts"
import * as Mirrors from "../../src/operator/Mirrors.ts"
import { Settings } from "../../src/operator/Settings.ts"
import { settingsOf } from "../Settings.ts"
import * as BigCluster from "./cluster/BigCluster.ts"
import * as Objects from "./cluster/Objects.ts"
import * as OperatorProcess from "./cluster/OperatorProcess.ts"
import { heapUsed } from "./Heap.ts"
import { atMost, type Bench, type Measurement } from "./Measurement.ts"

const megabytes = (bytes: number): number => Math.round((bytes / 2 ** 20) * 10) / 10

/** The bundle over a cluster of that size, once it has come to rest. */
const process_ = async (size: BigCluster.Size) => {
  const cluster = await BigCluster.start(size)
  try {
    const operator = await OperatorProcess.start({
      server: cluster.server,
      ec2: cluster.ec2.url,
      flags: [`--cluster-id=${BigCluster.clusterId}`, "--drift-interval=20s"]
    })
    try {
      await operator.passes("/readyz")
      // Two more sweeps, the last of which confirms what it did: both are over when a third begins.
      const sweeps = () => cluster.ec2.calls.get("DescribeAddresses") ?? 0
      const swept = sweeps()
      await operator.until("two more sweeps", async () => sweeps() >= swept + 3)
      const { now, peak } = operator.memory()
      const heap = await operator.metric("nodejs_heap_size_used_bytes")
      return {
        now,
        peak,
        heap,
        writes: cluster.server.writes.length,
        podsSent: cluster.server.podsSent()
      }
    } finally {
      await operator.end("SIGKILL")
    }
  } finally {
    await cluster.close()
  }
}

const settings = settingsOf({
  clusterId: BigCluster.clusterId
})

const unused = new Proxy({}, { get: () => () => Effect.die(new Error("nothing is asked here")) })

/** The mirrors alone, without the requests that fill them. */
const mirrorsAlone = Mirrors.layer.pipe(
  Layer.provide(Inventory.layer({ clusterIds: [BigCluster.clusterId] })),
  Layer.provide(Layer.succeed(Ec2Service, unused as Ec2["Service"])),
  Layer.provide(Layer.succeed(Kubernetes, unused as Kubernetes["Service"])),
  Layer.provide(Layer.succeed(Settings, settings))
)

/** As they come off the wire: through the reader of lists, one page of JSON after the other. */
const read = (fields: Fields, objects: ReadonlyArray<Raw>): ReadonlyArray<Raw> => {
  const reader = new ListReader(fields)
  reader.push(Buffer.from(JSON.stringify({ metadata: { resourceVersion: "1" }, items: objects })))
  return reader.end().items
}

const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from }, (_, i) => from + i)

/** A function of its own: nothing of the last page stays in the frame of a caller that measures. */
const fill = (
  store: { readonly accept: (raw: Raw) => unknown },
  fields: Fields,
  make: (i: number) => Raw,
  count: number
): void => {
  for (let from = 0; from < count; from += 500) {
    const page = range(from, Math.min(count, from + 500)).map(make)
    for (const raw of read(fields, page)) store.accept(raw)
  }
}

/** Heap bytes per watched object, by kind and over all of a large cluster. */
const perObject = () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const mirrors = yield* Mirrors.Mirrors
      const { externalIPs, firewallRules, labelledPods, nodes } = BigCluster.large
      const kinds = [
        ["Node", nodes, Node.fields, (i: number) => Objects.node(i, String(i)), mirrors.nodes],
        [
          "ExternalIP",
          externalIPs,
          ExternalIP.fields,
          (i: number) => Objects.externalIP(i, String(i)),
          mirrors.externalIPs
        ],
        [
          "FirewallRule",
          firewallRules,
          FirewallRule.fields,
          (i: number) => Objects.firewallRule(i, String(i)),
          mirrors.firewallRules
        ],
        [
          "Pod",
          labelledPods,
          Pod.fields,
          (i: number) => Objects.pod(i, String(i), nodes, labelledPods),
          mirrors.pods
        ]
      ] as const
      const measured: Array<readonly [string, number, number]> = []
      for (const [kind, count, fields, make, store] of kinds) {
        const before = yield* Effect.promise(heapUsed)
        fill(store, fields, make, count)
        const after = yield* Effect.promise(heapUsed)
        measured.push([kind, count, after - before])
      }
      return measured
    }).pipe(Effect.provide(mirrorsAlone), Effect.scoped)
  )

const idleActors = 100_000

/** Heap bytes per actor that has run once and has nothing to do. */
const perActor = () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const system = yield* ActorSystem.make<"Thing", never, never>({
        behaviours: { Thing: () => Effect.succeed(Next.requeueAfter("1 hour")) },
        retryOf: () => Retry.backOff(),
        describeError: () => "",
        intensity: { defects: 1, within: Duration.minutes(1) }
      })
      const names = range(0, idleActors).map((i) => `thing-${i}`)
      const before = yield* Effect.promise(heapUsed)
      for (const name of names) system.tell("Thing", name, "start")
      yield* system.awaitIdle
      yield* Effect.sleep("100 millis")
      const after = yield* Effect.promise(heapUsed)
      return (after - before) / idleActors
    }).pipe(Effect.scoped, Effect.provideService(Scope.Scope, Scope.makeUnsafe()))
  )

const comers = 10_000

/** Heap of the mirrors before and after many nodes with addresses came and went. */
const growth = () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const mirrors = yield* Mirrors.Mirrors
      let version = 1
      const comeAndGo = (from: number, to: number) => {
        for (let n = from; n < to; n += 500) {
          const page = range(n, n + 500).map((i) => Objects.node(i, String(version++)))
          const seen = read(Node.fields, page)
          for (const raw of seen) mirrors.nodes.accept(raw)
          for (const raw of seen) mirrors.nodes.forget(String(raw.metadata.name), String(raw.metadata.uid))
        }
      }
      // The UIDs of the dead are remembered, ten thousand of them: that is no growth once it is reached.
      comeAndGo(0, 2 * comers)
      const before = yield* Effect.promise(heapUsed)
      comeAndGo(2 * comers, 3 * comers)
      const after = yield* Effect.promise(heapUsed)
      return after - before
    }).pipe(
      Effect.provide(mirrorsAlone),
      Effect.scoped,
      Effect.provide(Layer.succeed(References.MinimumLogLevel, "None"))
    )
  )

export const bench: Bench = {
  name: "memory",
  summary: "5,000 nodes of 20 kB, 5,000 ExternalIPs, 2,000 FirewallRules, 10,000 labelled of 150,000 pods",
  run: async (say) => {
    say("bytes per watched object")
    const objects = await perObject()
    const total = objects.reduce((sum, [, , bytes]) => sum + bytes, 0)
    const count = objects.reduce((sum, [, n]) => sum + n, 0)
    say("bytes per idle actor")
    const actor = await perActor()
    say(`${comers} nodes come and go`)
    const grown = await growth()
    say("the process, over a large cluster")
    const large = await process_(BigCluster.large)
    const measured: ReadonlyArray<Measurement> = [
      {
        metric: "large cluster at rest: resident memory",
        unit: "MB",
        value: megabytes(large.now),
        target: atMost(180),
        isOfMachine: true
      },
      {
        metric: "large cluster: resident memory at most, start included",
        unit: "MB",
        value: megabytes(large.peak),
        isOfMachine: true
      },
      { metric: "large cluster: heap used", unit: "MB", value: megabytes(large.heap), isOfMachine: true },
      { metric: "large cluster: writes to Kubernetes", unit: "", value: large.writes, target: atMost(0) },
      {
        metric: "large cluster: pods received",
        unit: "",
        value: large.podsSent,
        target: atMost(BigCluster.large.labelledPods)
      },
      {
        metric: "heap per watched object, over all of them",
        unit: "B",
        value: Math.round(total / count),
        target: atMost(1_024)
      },
      ...objects.map(([kind, n, bytes]) => ({
        metric: `heap per ${kind}`,
        unit: "B",
        value: Math.round(bytes / n)
      })),
      { metric: "heap per idle actor", unit: "B", value: Math.round(actor), target: atMost(600) },
      {
        metric: `heap per node, of ${comers} that came and went`,
        unit: "B",
        value: Math.round(grown / comers),
        // Less than an empty object each: what is left is noise of the collector.
        target: atMost(10)
      }
    ]
    return measured
  }
}
