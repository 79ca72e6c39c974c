/**
 * How much it gets done, and what it costs to have nothing to do.
 * Rule: heartbeats come over the network to the built bundle, whose processor time the system counts; reconciles are
 * those of the operator's own actors over mirrors at rest.
 */
import { setTimeout as pause } from "node:timers/promises"
import { Duration, Effect, Metric } from "effect"
import * as Metrics from "../../src/domain/Metrics.ts"
import { addressLabel } from "../../src/domain/Names.ts"
import * as ApiServer from "./cluster/ApiServer.ts"
import * as BigCluster from "./cluster/BigCluster.ts"
import * as Objects from "./cluster/Objects.ts"
import * as OperatorProcess from "./cluster/OperatorProcess.ts"
import { atMost, type Bench, type Measurement } from "./Measurement.ts"
import * as VirtualWorld from "./VirtualWorld.ts"

export const heartbeatsPerSecond = 17
/** Every actor has its regular look once. */
const restSeconds = 60
const flood = 10_000

/** The bytes of one status update that changes nothing that is used. */
const heartbeat = (server: ApiServer.ApiServer, i: number, beat: number): Buffer =>
  ApiServer.line("MODIFIED", Buffer.from(JSON.stringify(Objects.node(i, server.nextVersion(), beat))))

/** Processor seconds a second: `during` in a row, after the process has come to rest. */
const share = async (
  operator: OperatorProcess.OperatorProcess,
  during: () => Promise<void>
): Promise<number> => {
  const [cpu, began] = [operator.cpuSeconds(), performance.now()]
  await during()
  return (operator.cpuSeconds() - cpu) / ((performance.now() - began) / 1_000)
}

const steady = async (server: ApiServer.ApiServer): Promise<void> => {
  const nodes = BigCluster.large.nodes
  const began = performance.now()
  for (let n = 0; n < restSeconds * heartbeatsPerSecond; n++) {
    await server.flood("nodes", [heartbeat(server, n % nodes, 1_000 + Math.floor(n / nodes))])
    const due = began + ((n + 1) * 1_000) / heartbeatsPerSecond
    await pause(Math.max(0, due - performance.now()))
  }
}

/** Milliseconds and processor seconds until the last of many heartbeats was taken: a lost label behind them is put back. */
const flooded = async (server: ApiServer.ApiServer, operator: OperatorProcess.OperatorProcess) => {
  const nodes = BigCluster.large.nodes
  const lines = Array.from({ length: flood }, (_, n) =>
    heartbeat(server, n % nodes, 100 + Math.floor(n / nodes))
  )
  const last = server.get("nodes", Objects.nodeName(0))
  if (last === undefined) throw new Error("the first node is gone")
  const labels = { ...(last.metadata.labels as Record<string, string>) }
  delete labels[addressLabel]
  const isPutBack = new Promise<number>((resolve) => {
    server.seen.once("WRITE", () => resolve(performance.now()))
  })
  const [cpu, began] = [operator.cpuSeconds(), performance.now()]
  await server.flood("nodes", lines)
  server.put("nodes", { ...last, metadata: { ...last.metadata, labels } })
  const ended = await isPutBack
  return { millis: ended - began, cpuSeconds: operator.cpuSeconds() - cpu }
}

const heartbeats = async (): Promise<ReadonlyArray<Measurement>> => {
  const cluster = await BigCluster.start({ ...BigCluster.large, firewallRules: 0, labelledPods: 0, pods: 0 })
  try {
    const operator = await OperatorProcess.start({
      server: cluster.server,
      ec2: cluster.ec2.url,
      flags: [`--cluster-id=${BigCluster.clusterId}`, "--drift-interval=1h"]
    })
    try {
      await operator.passes("/readyz")
      await operator.rests()
      // Ten minutes' worth of them first: a process at rest has long been compiled for what it does.
      const { cpuSeconds, millis } = await flooded(cluster.server, operator)
      await operator.rests()
      // And a round of looks, in which V8 clears up behind them.
      await pause(restSeconds * 1_000)
      const idle = await share(operator, () => pause(restSeconds * 1_000))
      const beating = await share(operator, () => steady(cluster.server))
      return [
        {
          metric: "5,000 nodes at rest without heartbeats: share of one core",
          unit: "%",
          value: idle * 100,
          isOfMachine: true
        },
        {
          metric: `5,000 nodes at rest, ${heartbeatsPerSecond} heartbeats a second: share of one core`,
          unit: "%",
          value: beating * 100,
          target: atMost(1),
          isOfMachine: true
        },
        {
          metric: "heartbeats absorbed a second",
          unit: "1/s",
          value: Math.round(flood / (millis / 1_000)),
          isOfMachine: true
        },
        {
          metric: "processor time of a heartbeat",
          unit: "us",
          value: (cpuSeconds / flood) * 1e6,
          isOfMachine: true
        }
      ].map((m) => ({ ...m, value: Number(m.value.toPrecision(3)) }))
    } finally {
      await operator.end("SIGKILL")
    }
  } finally {
    await cluster.close()
  }
}

const watched = 1_000
const minutes = 20

/** Every node is looked at once a minute of world time, and time is passed as fast as it goes. */
const reconciles = (): Promise<Measurement> =>
  VirtualWorld.run({}, (world) =>
    Effect.gen(function* () {
      yield* world.join(1, watched, false)
      yield* Effect.sleep("10 minutes")
      const counter = Metric.withAttributes(Metrics.reconcileTotal, { kind: "Node", result: "requeue" })
      const before = yield* Metric.value(counter)
      const began = performance.now()
      yield* Effect.sleep(Duration.minutes(minutes))
      const seconds = (performance.now() - began) / 1_000
      const count = (yield* Metric.value(counter)).count - before.count
      return {
        metric: `looks a second: ${count} at nodes at rest`,
        unit: "1/s",
        value: Math.round(count / seconds),
        isOfMachine: true
      }
    })
  )

export const bench: Bench = {
  name: "throughput",
  summary: "heartbeats over the network, processor time at rest, looks a second",
  run: async (say) => {
    say("reconciles")
    const reconciled = await reconciles()
    say("heartbeats")
    return [...(await heartbeats()), reconciled]
  }
}
