/**
 * The scenarios that `kubestatic simulate` tells.
 * Rule: each is a few sentences; the numbers in them come from --nodes.
 */
import { Effect } from "effect"
import { addressLabel } from "../../domain/Names.ts"
import { firewallRules, nodes as nodeResource } from "../../kubernetes/Kubernetes.ts"
import type { Cloud } from "../../simulation/Cloud.ts"
import type { NodeSpec } from "../../simulation/CloudObjects.ts"
import type { Scenario, Stage } from "./Scenario.ts"

const publicNode = (name: string): NodeSpec => ({ name, isAutoAssign: true, startupTaint: "NoSchedule" })
const nodeName = (n: number): string => `node-${String(n).padStart(4, "0")}`
const range = (from: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, i) => from + i)

const join = (cloud: Cloud["Service"], from: number, count: number) =>
  Effect.forEach(range(from, count), (n) => cloud.join(publicNode(nodeName(n))), {
    concurrency: "unbounded",
    discard: true
  })

/** A port open to anywhere on what `spec` names. */
export const openPort = (
  stage: Pick<Stage, "cluster">,
  name: string,
  spec: Readonly<Record<string, unknown>>
) =>
  stage.cluster.create(firewallRules, {
    metadata: { name },
    spec: {
      description: name,
      direction: "Ingress",
      protocol: "tcp",
      fromPort: 443,
      ipRanges: [{ cidr: "0.0.0.0/0", description: "anywhere" }],
      ...spec
    }
  })

const labelOf = (stage: Stage, name: string): string | undefined =>
  (
    stage.cluster.get(nodeResource, { name })?.metadata.labels as Readonly<Record<string, string>> | undefined
  )?.[addressLabel]

const firstStart: Scenario = {
  name: "first-start",
  summary: "a cluster whose nodes all wait for an address when the operator starts",
  before: (stage) => join(stage.instantly, 1, stage.nodes),
  during: () => Effect.void
}

const scaleUp: Scenario = {
  name: "scale-up",
  summary: "a served cluster doubles within a minute",
  before: (stage) => join(stage.instantly, 1, Math.ceil(stage.nodes / 2)),
  during: (stage) =>
    Effect.gen(function* () {
      yield* stage.settled
      yield* join(stage.cloud, Math.ceil(stage.nodes / 2) + 1, Math.floor(stage.nodes / 2))
    })
}

const rollingReplacement: Scenario = {
  name: "rolling-replacement",
  summary: "every node is drained and replaced, a few at a time; addresses and rules move along",
  before: (stage) =>
    Effect.gen(function* () {
      yield* join(stage.instantly, 1, stage.nodes)
      for (const n of range(1, Math.min(3, stage.nodes))) {
        yield* openPort(stage, `web-${n}`, { nodeName: nodeName(n) })
      }
    }),
  during: (stage) =>
    Effect.gen(function* () {
      yield* stage.settled
      yield* Effect.forEach(
        range(1, stage.nodes),
        (n) =>
          Effect.gen(function* () {
            yield* stage.cloud.drain(nodeName(n))
            yield* stage.cloud.replace(nodeName(n), "NodeFirst")
          }),
        { concurrency: 3, discard: true }
      )
    })
}

const drain: Scenario = {
  name: "drain",
  summary:
    "half of the nodes are cordoned, some with pods that use their address; new nodes take what is free",
  before: (stage) => join(stage.instantly, 1, stage.nodes),
  during: (stage) =>
    Effect.gen(function* () {
      yield* stage.settled
      const half = Math.max(1, Math.floor(stage.nodes / 2))
      for (const n of range(1, half)) {
        const address = labelOf(stage, nodeName(n))
        const isUsed = n % 2 === 0 && address !== undefined
        if (isUsed) yield* stage.cloud.runPod({ name: `user-${n}`, nodeName: nodeName(n), address })
        yield* stage.cloud.cordon(nodeName(n))
      }
      yield* join(stage.cloud, stage.nodes + 1, half)
    })
}

const followAddress: Scenario = {
  name: "follow-address",
  summary: "rules that follow an address are opened where it goes, and closed where it was",
  before: (stage) => join(stage.instantly, 1, stage.nodes),
  during: (stage) =>
    Effect.gen(function* () {
      yield* stage.settled
      const first = nodeName(1)
      const address = labelOf(stage, first)
      for (const [i, fromPort] of [80, 443, 8443].entries()) {
        yield* openPort(stage, `follow-${i + 1}`, { publicIPAddress: address, fromPort })
      }
      yield* stage.settled
      yield* stage.cloud.leave(first, "NodeFirst")
      yield* stage.cloud.join(publicNode(nodeName(stage.nodes + 1)))
    })
}

const spotStorm: Scenario = {
  name: "spot-storm",
  summary: "spot capacity is taken back from most nodes within two minutes while replacements come up",
  before: (stage) =>
    Effect.gen(function* () {
      yield* join(stage.instantly, 1, stage.nodes)
      yield* openPort(stage, "web", { nodeName: nodeName(1) })
    }),
  during: (stage) =>
    Effect.gen(function* () {
      yield* stage.settled
      const lost = Math.max(1, Math.floor((stage.nodes * 2) / 3))
      yield* Effect.all(
        [
          Effect.forEach(range(1, lost), (n) => stage.cloud.interruptSpot(nodeName(n)), {
            concurrency: "unbounded",
            discard: true
          }),
          join(stage.cloud, stage.nodes + 1, lost)
        ],
        { concurrency: "unbounded", discard: true }
      )
    })
}

/** Only what the files say. */
export const files: Scenario = {
  name: "files",
  summary: "what the files say, and nothing else",
  before: () => Effect.void,
  during: () => Effect.void
}

export const all: ReadonlyArray<Scenario> = [
  firstStart,
  scaleUp,
  rollingReplacement,
  drain,
  followAddress,
  spotStorm
]
export const names: ReadonlyArray<string> = all.map((s) => s.name)
export const named = (name: string): Scenario => all.find((s) => s.name === name) ?? firstStart
