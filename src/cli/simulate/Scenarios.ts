/**
 * The scenarios that `kubestatic simulate` tells.
 * Rule: each is a few sentences; the numbers in them come from --nodes.
 */
import { Effect } from "effect"
import { addressLabel } from "../../domain/Names.ts"
import { firewallRules, nodes as nodeResource, pods, type Resource } from "../../kubernetes/Kubernetes.ts"
import type { Cloud } from "../../simulation/Cloud.ts"
import type { NodeSpec } from "../../simulation/CloudObjects.ts"
import type { Made, Scenario, Stage } from "./Scenario.ts"

const publicNode = (name: string): NodeSpec => ({ name, isAutoAssign: true, startupTaint: "NoSchedule" })
const nodeName = (n: number): string => `node-${String(n).padStart(4, "0")}`
const range = (from: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, i) => from + i)

const join = (cloud: Cloud["Service"], from: number, count: number) =>
  Effect.forEach(range(from, count), (n) => cloud.join(publicNode(nodeName(n))), {
    concurrency: "unbounded",
    discard: true
  })

const made = (resource: Resource, names: ReadonlyArray<string>): ReadonlyArray<Made> =>
  names.map((name) => ({ resource, name }))
const madeNodes = (count: number) => made(nodeResource, range(1, count).map(nodeName))

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
  makes: madeNodes,
  before: (stage) => join(stage.instantly, 1, stage.nodes),
  during: () => Effect.void
}

const scaleUp: Scenario = {
  name: "scale-up",
  summary: "a served cluster doubles within a minute",
  makes: madeNodes,
  before: (stage) => join(stage.instantly, 1, Math.ceil(stage.nodes / 2)),
  during: (stage) =>
    Effect.gen(function* () {
      yield* stage.settled
      yield* join(stage.cloud, Math.ceil(stage.nodes / 2) + 1, Math.floor(stage.nodes / 2))
    })
}

/** So many of the first nodes have a port open. */
const webs = (nodes: number): ReadonlyArray<number> => range(1, Math.min(3, nodes))
const webName = (n: number): string => `web-${n}`

const rollingReplacement: Scenario = {
  name: "rolling-replacement",
  summary: "every node is drained and replaced, a few at a time; addresses and rules move along",
  makes: (nodes) => [...madeNodes(nodes), ...made(firewallRules, webs(nodes).map(webName))],
  before: (stage) =>
    Effect.gen(function* () {
      yield* join(stage.instantly, 1, stage.nodes)
      for (const n of webs(stage.nodes)) yield* openPort(stage, webName(n), { nodeName: nodeName(n) })
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

const half = (nodes: number): number => Math.max(1, Math.floor(nodes / 2))
const isUsed = (n: number): boolean => n % 2 === 0
const userName = (n: number): string => `user-${n}`

const drain: Scenario = {
  name: "drain",
  summary:
    "half of the nodes are cordoned, some with pods that use their address; new nodes take what is free",
  makes: (nodes) => [
    ...madeNodes(nodes + half(nodes)),
    ...made(pods, range(1, half(nodes)).filter(isUsed).map(userName))
  ],
  before: (stage) => join(stage.instantly, 1, stage.nodes),
  during: (stage) =>
    Effect.gen(function* () {
      yield* stage.settled
      for (const n of range(1, half(stage.nodes))) {
        const address = labelOf(stage, nodeName(n))
        if (isUsed(n) && address !== undefined) {
          yield* stage.cloud.runPod({ name: userName(n), nodeName: nodeName(n), address })
        }
        yield* stage.cloud.cordon(nodeName(n))
      }
      yield* join(stage.cloud, stage.nodes + 1, half(stage.nodes))
    })
}

const followedPorts = [80, 443, 8443]
const followName = (i: number): string => `follow-${i + 1}`

const followAddress: Scenario = {
  name: "follow-address",
  summary: "rules that follow an address are opened where it goes, and closed where it was",
  makes: (nodes) => [
    ...madeNodes(nodes + 1),
    ...made(
      firewallRules,
      followedPorts.map((_port, i) => followName(i))
    )
  ],
  before: (stage) => join(stage.instantly, 1, stage.nodes),
  during: (stage) =>
    Effect.gen(function* () {
      yield* stage.settled
      const first = nodeName(1)
      const address = labelOf(stage, first)
      for (const [i, fromPort] of followedPorts.entries()) {
        yield* openPort(stage, followName(i), { publicIPAddress: address, fromPort })
      }
      yield* stage.settled
      yield* stage.cloud.leave(first, "NodeFirst")
      yield* stage.cloud.join(publicNode(nodeName(stage.nodes + 1)))
    })
}

const lost = (nodes: number): number => Math.max(1, Math.floor((nodes * 2) / 3))

const spotStorm: Scenario = {
  name: "spot-storm",
  summary: "spot capacity is taken back from most nodes within two minutes while replacements come up",
  makes: (nodes) => [...madeNodes(nodes + lost(nodes)), ...made(firewallRules, ["web"])],
  before: (stage) =>
    Effect.gen(function* () {
      yield* join(stage.instantly, 1, stage.nodes)
      yield* openPort(stage, "web", { nodeName: nodeName(1) })
    }),
  during: (stage) =>
    Effect.gen(function* () {
      yield* stage.settled
      yield* Effect.all(
        [
          Effect.forEach(range(1, lost(stage.nodes)), (n) => stage.cloud.interruptSpot(nodeName(n)), {
            concurrency: "unbounded",
            discard: true
          }),
          join(stage.cloud, stage.nodes + 1, lost(stage.nodes))
        ],
        { concurrency: "unbounded", discard: true }
      )
    })
}

/** Only what the files say. */
export const files: Scenario = {
  name: "files",
  summary: "what the files say, and nothing else",
  makes: () => [],
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
