/**
 * The operator's own time between what it is told and what it does about it, in the real time of this machine.
 * Rule: both worlds answer at once, so that all that is measured is the operator; they are in its process, so their own
 * work is measured with it.
 */
import { Context, Duration, Effect, Layer, References } from "effect"
import { externalIPFinalizer } from "../../src/domain/Names.ts"
import { Ec2, type Service } from "../../src/ec2/Ec2.ts"
import { externalIPs, Kubernetes } from "../../src/kubernetes/Kubernetes.ts"
import * as Leadership from "../../src/kubernetes/Leadership.ts"
import * as Composition from "../../src/operator/Composition.ts"
import { Operator } from "../../src/operator/Operator.ts"
import { Settings } from "../../src/operator/Settings.ts"
import * as Ec2Simulation from "../../src/simulation/Ec2.ts"
import * as KubernetesSimulation from "../../src/simulation/Kubernetes.ts"
import { settingsOf } from "../Settings.ts"
import { atMost, type Bench, type Measurement, quantile } from "./Measurement.ts"

const samples = 200
/** Each is changed once a second, and has a status to write then. */
const busy = 1_000

/** Waits until something happens, and tells when it did. */
const signal = () => {
  let happened: (at: number) => void = () => undefined
  return {
    next: () =>
      new Promise<number>((resolve) => {
        happened = resolve
      }),
    tell: () => happened(performance.now())
  }
}

interface Waits {
  /** Milliseconds from the watch event to the request to EC2. */
  readonly toCall: ReadonlyArray<number>
  /** Milliseconds from EC2's reply to the request that writes the status. */
  readonly toStatus: ReadonlyArray<number>
}

const probe = (n: number): string => `probe-${n}`

const measure = Effect.fnUntraced(function* (others: number) {
  const worlds = yield* Layer.build(
    Layer.merge(
      KubernetesSimulation.layer({ seed: "react", latency: Effect.succeed(Duration.zero) }),
      Ec2Simulation.layer({ seed: "react" })
    )
  )
  const cluster = Context.get(worlds, KubernetesSimulation.Cluster)
  const kubernetes = Context.get(worlds, Kubernetes)
  const ec2: Service = Context.get(worlds, Ec2)
  const released = signal()
  const allocated = signal()
  const said = signal()
  let repliedAt = 0

  const heard: Service = {
    ...ec2,
    allocateAddress: (request) =>
      Effect.tap(ec2.allocateAddress(request), () =>
        Effect.sync(() => {
          repliedAt = performance.now()
          allocated.tell()
        })
      ),
    releaseAddress: (request) =>
      Effect.suspend(() => {
        released.tell()
        return ec2.releaseAddress(request)
      })
  }
  const told: Kubernetes["Service"] = {
    ...kubernetes,
    patch: (resource, ref, patch, options) =>
      Effect.suspend(() => {
        const isAddress = JSON.stringify(patch).includes('"publicIPAddress"')
        if (ref.name.startsWith("probe-") && options?.subresource === "status" && isAddress) said.tell()
        return kubernetes.patch(resource, ref, patch, options)
      })
  }
  const context = yield* Layer.build(
    Composition.layer({ ec2RateShare: 1, dryRun: false }).pipe(
      Layer.provide(
        Layer.succeed(
          Settings,
          settingsOf({
            clusterId: "react"
          })
        )
      ),
      Layer.provide(Leadership.layerAlone),
      Layer.provide(Layer.succeed(Kubernetes, told)),
      Layer.provide(Layer.succeed(Ec2, heard))
    )
  )
  yield* Effect.forkScoped(Context.get(context, Operator).run)
  yield* Effect.sleep("500 millis")

  // Disabled and enabled in turn: each time there is something to decide and a status to write.
  yield* Effect.forEach(Array.from({ length: others }), (_, n) =>
    cluster.create(externalIPs, {
      metadata: { name: `busy-${n}`, finalizers: [externalIPFinalizer] },
      spec: { disableReconciliation: true }
    })
  )
  let turn = 0
  const disturb = Effect.gen(function* () {
    for (let n = 0; n < others / 100; n++) {
      turn += 1
      const name = `busy-${turn % others}`
      const patch = {
        metadata: { labels: { turn: String(turn) } },
        status: { state: turn % 2 === 0 ? "Pending" : "Reserved" }
      }
      yield* cluster.patch(
        externalIPs,
        { name },
        { ...patch, status: { ...patch.status, conditions: [] } },
        "status"
      )
    }
    yield* Effect.sleep("10 millis")
  })
  if (others > 0) yield* Effect.forkScoped(Effect.forever(disturb))
  yield* Effect.sleep("2 seconds")

  const toCall: Array<number> = []
  const toStatus: Array<number> = []
  for (let n = 0; n < samples; n++) {
    const isAllocated = allocated.next()
    const isSaid = said.next()
    yield* cluster.create(externalIPs, { metadata: { name: probe(n) }, spec: {} })
    yield* Effect.promise(() => isAllocated)
    toStatus.push((yield* Effect.promise(() => isSaid)) - repliedAt)
    yield* Effect.sleep("15 millis")
    const isReleased = released.next()
    const began = performance.now()
    yield* cluster.remove(externalIPs, { name: probe(n) })
    toCall.push((yield* Effect.promise(() => isReleased)) - began)
    // The buckets give back five a second; what is measured is not to wait for them.
    yield* Effect.sleep(n < 40 ? "5 millis" : "210 millis")
  }
  return { toCall, toStatus } satisfies Waits
})

const run = (others: number): Promise<Waits> =>
  Effect.runPromise(
    measure(others).pipe(
      Effect.scoped,
      Effect.provide(Layer.succeed(References.MinimumLogLevel, "None")),
      Effect.orDie
    )
  )

const told = (what: string, waits: ReadonlyArray<number>, isBound: boolean): ReadonlyArray<Measurement> =>
  [0.5, 0.99].map((part) => ({
    metric: `${what}, p${part * 100}`,
    unit: "ms",
    value: Math.round(quantile(waits, part) * 1e3) / 1e3,
    isOfMachine: true,
    ...(isBound && part === 0.99 ? { target: atMost(5) } : {})
  }))

export const bench: Bench = {
  name: "react",
  summary: "the operator's own time, from watch event to EC2 call and from reply to status patch",
  run: async (say) => {
    say("alone")
    const alone = await run(0)
    say(`under ${busy} busy actors`)
    const crowded = await run(busy)
    return [
      ...told("alone: watch event to EC2 call", alone.toCall, false),
      ...told("alone: EC2 reply to status patch", alone.toStatus, false),
      ...told(`under ${busy} busy actors: watch event to EC2 call`, crowded.toCall, true),
      ...told(`under ${busy} busy actors: EC2 reply to status patch`, crowded.toStatus, true)
    ]
  }
}
