/**
 * From nothing to serving: a cold start, with and without V8's code cache, and a standby that takes over.
 * Rule: the process is the built bundle in a pretended pod; several starts, of which the median counts; the standby's
 * first write is seen by the API server.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as BigCluster from "./cluster/BigCluster.ts"
import * as OperatorProcess from "./cluster/OperatorProcess.ts"
import { atMost, type Bench, type Measurement, quantile } from "./Measurement.ts"

const starts = 9
/** Of one request to EC2: two of them may pass between the first list and ready. */
const ec2Latency = 100

interface Start {
  /** Milliseconds from the start of the process. */
  readonly listening: number
  readonly firstList: number
  readonly ready: number
  readonly cpuMillis: number
  readonly resident: number
}

const once = async (cluster: BigCluster.BigCluster, compileCache: string | undefined): Promise<Start> => {
  cluster.server.reset()
  cluster.ec2.reset()
  const operator = await OperatorProcess.start({
    server: cluster.server,
    ec2: cluster.ec2.url,
    flags: [`--cluster-id=${BigCluster.clusterId}`],
    ...(compileCache === undefined ? {} : { compileCache })
  })
  try {
    const listening = await operator.listens()
    const ready = await operator.passes("/readyz")
    const cpuMillis = operator.cpuSeconds() * 1_000
    const { now } = operator.memory()
    const lists = [...cluster.server.firstAsked].flatMap(([what, at]) =>
      what.startsWith("LIST") ? [at] : []
    )
    const since = (at: number) => at - operator.startedAt
    return {
      listening: since(listening),
      firstList: since(Math.min(...lists)),
      ready: since(ready),
      cpuMillis,
      resident: now
    }
  } finally {
    // Ended well: what was compiled is written to the cache then.
    await operator.end("SIGTERM")
  }
}

const cold = async (
  cluster: BigCluster.BigCluster,
  cache: string | undefined
): Promise<ReadonlyArray<Measurement>> => {
  const all: Array<Start> = []
  for (let i = 0; i < starts; i++) all.push(await once(cluster, cache))
  const median = (of: (start: Start) => number) => Math.round(quantile(all.map(of), 0.5))
  const named = cache === undefined ? "cold start, no compile cache" : "cold start, warm compile cache"
  const isBound = cache !== undefined
  const bound = (most: number) => (isBound ? { target: atMost(most) } : {})
  return [
    {
      metric: `${named}: probes listen and the first list is sent`,
      unit: "ms",
      value: median((s) => Math.max(s.listening, s.firstList)),
      isOfMachine: true,
      ...bound(250)
    },
    {
      metric: `${named}: from then to ready, in EC2 round trips of ${ec2Latency} ms`,
      unit: "",
      value: Number(
        quantile(
          all.map((s) => (s.ready - Math.max(s.listening, s.firstList)) / ec2Latency),
          0.5
        ).toFixed(2)
      ),
      isOfMachine: true,
      ...bound(2)
    },
    {
      metric: `${named}: processor time to ready`,
      unit: "ms",
      value: median((s) => s.cpuMillis),
      isOfMachine: true
    },
    {
      metric: `${named}: resident memory when ready`,
      unit: "MB",
      value: Number(
        (
          quantile(
            all.map((s) => s.resident),
            0.5
          ) /
          2 ** 20
        ).toFixed(1)
      ),
      isOfMachine: true,
      ...bound(95)
    }
  ]
}

/** Milliseconds from the end of the leader to the first write of the standby, for an object made at that moment. */
const failover = async (signal: "SIGTERM" | "SIGKILL"): Promise<number> => {
  const cluster = await BigCluster.start(BigCluster.empty, ec2Latency)
  const flags = [`--cluster-id=${BigCluster.clusterId}`, "--leader-elect"]
  const start = () => OperatorProcess.start({ server: cluster.server, ec2: cluster.ec2.url, flags })
  try {
    const leader = await start()
    await leader.passes("/readyz")
    await leader.rests()
    const standby = await start()
    await standby.passes("/readyz")
    await standby.rests()
    const written = new Promise<number>((resolve) => {
      cluster.server.seen.once("WRITE", () => resolve(performance.now()))
    })
    const began = performance.now()
    await leader.end(signal)
    // Made once the leader has ended: no one else can have written to it.
    cluster.server.put("externalips", {
      metadata: { name: "waits", uid: "waits", generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: {}
    })
    const took = (await written) - began
    await standby.end("SIGKILL")
    return took
  } finally {
    await cluster.close()
  }
}

export const bench: Bench = {
  name: "start",
  summary: "the built bundle from nothing to ready, and a standby from the leader's end to its first write",
  run: async (say) => {
    const folder = mkdtempSync(join(tmpdir(), "kubestatic-compile-cache-"))
    const cluster = await BigCluster.start(BigCluster.empty, ec2Latency)
    try {
      say("without the compile cache")
      const without = await cold(cluster, undefined)
      say("with it")
      // The first two fill it: what the first compiled while it ended is there for the third.
      for (let i = 0; i < 2; i++) await once(cluster, folder)
      const warm = await cold(cluster, folder)
      say("failover after a clean stop")
      const clean = await failover("SIGTERM")
      say("failover after a kill")
      const killed = await failover("SIGKILL")
      const seconds = (millis: number) => Math.round(millis) / 1_000
      return [
        ...warm,
        ...without,
        {
          metric: "failover to the first write after a clean stop",
          unit: "s",
          value: seconds(clean),
          target: atMost(3),
          isOfMachine: true
        },
        {
          metric: "failover to the first write after a kill",
          unit: "s",
          value: seconds(killed),
          target: atMost(20),
          isOfMachine: true
        }
      ]
    } finally {
      await cluster.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
