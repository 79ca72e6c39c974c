/**
 * How long it takes until everything asked for is true, against the least time EC2 allows.
 * Rule: world time, from the moment something is asked for to the operator's last change in either world.
 */
import { Effect } from "effect"
import { chain, floorOf } from "./Floor.ts"
import { atMost, type Bench, type Measurement, quantile } from "./Measurement.ts"
import * as VirtualWorld from "./VirtualWorld.ts"

/** Nodes that may be served in one burst of the bucket. */
const burst = 50

interface Outcome {
  readonly seconds: number
  readonly calls: number
  readonly refused: number
}

const countsOf = (world: VirtualWorld.VirtualWorld) => {
  let calls = 0
  let refused = 0
  for (const outcomes of world.ec2.calls().values()) {
    for (const [outcome, count] of outcomes) {
      calls += count
      if (outcome === "RequestLimitExceeded") refused += count
    }
  }
  return { calls, refused }
}

/** Seconds from now until all that `ask` asks for is true. */
const timed = Effect.fnUntraced(function* <E>(
  world: VirtualWorld.VirtualWorld,
  ask: Effect.Effect<unknown, E>
) {
  const began = world.now()
  yield* ask
  yield* world.settled()
  const outcome: Outcome = { seconds: (world.lastChange() - began) / 1_000, ...countsOf(world) }
  return outcome
})

/** Nodes join a running operator in one moment. */
export const nodesAtOnce = (count: number, options: VirtualWorld.Options = {}): Promise<Outcome> =>
  VirtualWorld.run(options, (world) => timed(world, world.join(1, count)))

/** Nodes with a public address of their own, and so many rules for each, all asked for in one moment. */
export const rulesAtOnce = (
  nodes: number,
  rules: number,
  options: VirtualWorld.Options = {}
): Promise<Outcome> =>
  VirtualWorld.run(options, (world) =>
    Effect.gen(function* () {
      yield* world.join(1, nodes, false)
      yield* Effect.sleep("5 seconds")
      return yield* timed(
        world,
        Effect.forEach(Array.from({ length: nodes * rules }), (_, i) => {
          const node = 1 + Math.floor(i / rules)
          return world.openPort(`rule-${i}`, {
            nodeName: VirtualWorld.nodeName(node),
            fromPort: 8_000 + (i % rules)
          })
        })
      )
    })
  )

/** Seconds that each new node waits for its address while all are replaced, so many at a time. */
export const rolling = (count: number, atATime: number): Promise<ReadonlyArray<number>> =>
  VirtualWorld.run({}, (world) =>
    Effect.gen(function* () {
      yield* world.join(1, count)
      yield* world.settled()
      const registeredAt = new Map<string, number>()
      const waits: Array<number> = []
      const writesBefore = world.cluster.writes.length
      yield* Effect.forEach(
        Array.from({ length: count }, (_, i) => VirtualWorld.nodeName(i + 1)),
        (name) =>
          Effect.gen(function* () {
            yield* world.cloud.drain(name)
            yield* world.cloud.leave(name, "NodeFirst")
            const began = world.now()
            registeredAt.set(name, began)
            yield* world.instantly.join({ name, isAutoAssign: true, startupTaint: "NoSchedule" })
            registeredAt.set(name, world.now())
          }),
        { concurrency: atATime, discard: true }
      )
      yield* world.settled()
      for (const [name, at] of registeredAt) {
        const label = world.cluster.writes
          .slice(writesBefore)
          .find((w) => w.kind === "Node" && w.name === name && w.at >= at && w.outcome === "OK")
        waits.push(label === undefined ? Number.POSITIVE_INFINITY : (label.at - at) / 1_000)
      }
      return waits
    })
  )

const ratio = (seconds: number, floor: number): number => Math.round((seconds / floor) * 1e4) / 1e4

const nodes = async (count: number, options: VirtualWorld.Options = {}): Promise<Measurement> => {
  const { seconds } = await nodesAtOnce(count, options)
  const share = options.ec2RateShare ?? 1
  const floor = floorOf("AssociateAddress", count, share)
  const named = `${count} nodes at once${share === 1 ? "" : `, --ec2-rate-share ${share}`}`
  return count <= burst * share
    ? {
        metric: `${named}: time / serial chain of ${chain} s`,
        unit: "",
        value: ratio(seconds, chain),
        target: atMost(1.2)
      }
    : {
        metric: `${named}: (time - serial chain) / floor of ${floor} s`,
        unit: "",
        value: ratio(seconds - chain, floor),
        target: atMost(1.01)
      }
}

const rules = async (nodes: number, perNode: number): Promise<Measurement> => {
  const { seconds } = await rulesAtOnce(nodes, perNode)
  const floor = floorOf("CreateSecurityGroup", nodes)
  return {
    metric: `${perNode} rules on each of ${nodes} nodes: (time - 1.1 s) / batched floor of ${floor} s`,
    unit: "",
    value: ratio(seconds - 1.1, floor),
    target: atMost(1.01)
  }
}

/** How often a request is refused although its bucket has room: others were there first. */
const crowding = 0.2

const crowded = async (count: number): Promise<ReadonlyArray<Measurement>> => {
  const outcomes = await Promise.all(
    ["1", "2", "3"].map((seed) => nodesAtOnce(count, { seed, conditions: { crowding } }))
  )
  const floor = floorOf("AssociateAddress", count, 1 - crowding)
  const named = `${count} nodes, every fifth request refused at random`
  return [
    {
      metric: `${named}: time / floor of what is left, ${floor} s (worst of 3 seeds)`,
      unit: "",
      value: ratio(Math.max(...outcomes.map((o) => o.seconds)), floor),
      target: atMost(1.5)
    },
    {
      // Without a storm only every fifth is refused: of n calls that succeed, a quarter of n beside them.
      metric: `${named}: refused / answered calls (worst of 3 seeds)`,
      unit: "",
      value: ratio(Math.max(...outcomes.map((o) => o.refused / (o.calls - o.refused))), 1),
      target: atMost(0.3)
    }
  ]
}

const replaced = async (count: number, atATime: number): Promise<ReadonlyArray<Measurement>> => {
  const waits = await rolling(count, atATime)
  return [0.5, 0.99, 1].map((part) => ({
    metric: `${count} nodes replaced, ${atATime} at a time: Node registered to label, ${part === 1 ? "longest" : `p${part * 100}`}`,
    unit: "s",
    value: Math.round(quantile(waits, part) * 1e3) / 1e3
  }))
}

export const bench: Bench = {
  name: "converge",
  summary: "world time until all is true, against the least time that EC2's request buckets allow",
  run: async (say) => {
    const measured: Array<Measurement> = []
    for (const count of [10, 100, 500, 1_000]) {
      say(`${count} nodes at once`)
      measured.push(await nodes(count))
    }
    say("half of the buckets")
    measured.push(await nodes(100, { ec2RateShare: 0.5 }))
    say("rules")
    for (const perNode of [1, 10]) measured.push(await rules(100, perNode))
    say("a crowded account")
    measured.push(...(await crowded(500)))
    say("rolling replacement")
    measured.push(...(await replaced(200, 20)))
    return measured
  }
}
