/**
 * Both pretend worlds with the whole operator over them, under a clock that tests move.
 * Rule: a world outlives its operator, which can be stopped and started again over it.
 */
import { Context, Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { addressLabel, Tag } from "../src/domain/Names.ts"
import type { Raw } from "../src/domain/Object.ts"
import * as Permission from "../src/domain/Permission.ts"
import { Ec2 } from "../src/ec2/Ec2.ts"
import { events, externalIPs, firewallRules, Kubernetes, nodes, pods } from "../src/kubernetes/Kubernetes.ts"
import * as Leadership from "../src/kubernetes/Leadership.ts"
import * as Composition from "../src/operator/Composition.ts"
import { Operator } from "../src/operator/Operator.ts"
import { Settings } from "../src/operator/Settings.ts"
import * as Ec2Simulation from "../src/simulation/Ec2.ts"
import type { ConditionsChange } from "../src/simulation/Ec2Conditions.ts"
import { Ec2World } from "../src/simulation/Ec2World.ts"
import * as KubernetesSimulation from "../src/simulation/Kubernetes.ts"
import { settingsOf } from "./Settings.ts"

export const clusterId = "test-cluster"

/** Tcp 22 from anywhere, into a node: what nobody asked for. */
export const ssh = Permission.merge([
  {
    direction: "Ingress",
    protocol: "tcp",
    fromPort: 22,
    toPort: 22,
    sourceKind: "ipv4",
    source: "0.0.0.0/0",
    description: ""
  }
])

export interface Options {
  readonly seed?: string
  readonly settings?: Partial<Settings["Service"]>
  readonly conditions?: ConditionsChange
  /** Milliseconds. */
  readonly kubernetesLatency?: number
  /** What stands between the operator and the API server. */
  readonly through?: (kubernetes: Kubernetes["Service"]) => Kubernetes["Service"]
  /** What stands between the operator and EC2. */
  readonly throughEc2?: (ec2: Ec2["Service"]) => Ec2["Service"]
}

/** Turns of the event loop after which nothing is runnable that does not wait for the clock. */
const turns = 12
const drain = Effect.promise(async () => {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
})

/** Lets time pass in small steps, everything runnable first, so that all of it happens in its order. */
export const pass = Effect.fnUntraced(function* (duration: Duration.Input) {
  let left = Duration.toMillis(Duration.fromInputUnsafe(duration))
  yield* drain
  while (left > 0) {
    const step = Math.min(left, left > 60_000 ? 1_000 : 50)
    yield* TestClock.adjust(step)
    yield* drain
    left -= step
  }
})

type Fields = Readonly<Record<string, unknown>>

/** A rule that needs only a target. */
export const rule = {
  description: "test",
  direction: "Ingress",
  protocol: "tcp",
  fromPort: 80,
  ipRanges: [{ cidr: "10.0.0.0/8" }]
} as const

export const stateOf = (object: Raw): unknown => (object.status as Fields | undefined)?.state

export const isMutating = (action: string): boolean => !action.startsWith("Describe")

const succeeded = (
  calls: ReturnType<Ec2World["Service"]["calls"]>
): ReadonlyArray<readonly [string, number]> =>
  [...calls].flatMap(([action, outcomes]) => {
    const count = outcomes.get("OK") ?? 0
    return count === 0 ? [] : [[action, count] as const]
  })

export const make = Effect.fnUntraced(function* (options: Options = {}) {
  const { seed = "test", through = (kubernetes) => kubernetes, throughEc2 = (ec2) => ec2 } = options
  const scope = yield* Effect.scope
  const worlds = yield* Layer.buildWithScope(
    Layer.merge(
      KubernetesSimulation.layer({
        seed,
        latency: Effect.succeed(Duration.millis(options.kubernetesLatency ?? 0))
      }),
      Ec2Simulation.layer({
        seed,
        conditions: { quotas: { addresses: 10_000 }, ...options.conditions }
      })
    ),
    scope
  )
  const kubernetes = Context.get(worlds, KubernetesSimulation.Cluster)
  const ec2 = Context.get(worlds, Ec2World)
  const settings = settingsOf({
    clusterId,
    ...options.settings
  })

  /** Starts an operator over the worlds, with other settings than the world's; `stop` ends it as SIGTERM does. */
  const startWith = Effect.fnUntraced(function* (
    changed: Partial<Settings["Service"]>,
    {
      dryRun = false,
      leadership = Leadership.layerAlone,
      through: between = through
    }: {
      readonly dryRun?: boolean
      readonly leadership?: Layer.Layer<Leadership.Leadership>
      readonly through?: Options["through"]
    } = {}
  ) {
    const own = yield* Scope.fork(scope)
    const context = yield* Layer.buildWithScope(
      Layer.fresh(
        Composition.layer({ ec2RateShare: 1, dryRun }).pipe(
          Layer.provide(Layer.succeed(Settings, Settings.of({ ...settings, ...changed }))),
          Layer.provide(leadership),
          Layer.provide(Layer.succeed(Kubernetes, between(Context.get(worlds, Kubernetes)))),
          Layer.provide(Layer.succeed(Ec2, throughEc2(Context.get(worlds, Ec2))))
        )
      ),
      own
    )
    const operator = Context.get(context, Operator)
    const fiber = yield* Effect.forkIn(operator.run, own)
    return {
      operator,
      fiber,
      stop: Effect.andThen(Fiber.interrupt(fiber), Scope.close(own, Exit.void))
    }
  })

  const start = () => startWith({})

  const launch = Effect.fnUntraced(function* (
    name: string,
    o: {
      readonly labels?: Readonly<Record<string, string>>
      readonly taints?: ReadonlyArray<Fields>
      readonly isPublic?: boolean
    } = {}
  ) {
    const instance = yield* ec2.hand.launch({
      zone: "eu-west-1a",
      vpcId: "vpc-1",
      interfaces: [{ isPublic: o.isPublic ?? true }]
    })
    yield* kubernetes.create(nodes, {
      metadata: {
        name,
        labels: o.labels ?? { "kubestatic.quortex.io/externalip-auto-assign": "true" }
      },
      spec: { providerID: `aws:///eu-west-1a/${instance.instanceId}`, taints: o.taints ?? [] }
    })
    return instance
  })

  /** The node object and its instance, in the order in which an autoscaler takes them away. */
  const goAway = Effect.fnUntraced(function* (name: string) {
    const node = kubernetes.get(nodes, { name })
    const providerID = String((node?.spec as Fields | undefined)?.providerID ?? "")
    yield* kubernetes.remove(nodes, { name })
    yield* ec2.hand.terminate(providerID.split("/").at(-1) ?? "")
  })

  const kindOf = (kind: "ExternalIP" | "FirewallRule") =>
    kind === "ExternalIP" ? externalIPs : firewallRules
  const statusOf = (resource: typeof externalIPs, name: string): Fields =>
    (kubernetes.get(resource, { name })?.status ?? {}) as Fields
  const named = (all: ReadonlyArray<Raw>, name: string) => all.find((o) => o.metadata.name === name)
  const instanceOf = (nodeName: string): string => {
    const spec = named(kubernetes.all(nodes), nodeName)?.spec as Fields | undefined
    return (
      String(spec?.providerID ?? "")
        .split("/")
        .at(-1) ?? ""
    )
  }
  const interfaceOf = (nodeName: string): string =>
    ec2.instance(instanceOf(nodeName))?.interfaces[0]?.networkInterfaceId ?? ""
  /** Made for a node, by whichever version. */
  const groups = () => ec2.groups().filter((g) => g.tags[Tag.nodeName] !== undefined)
  /** What our groups really open on a node: only what is attached counts. */
  const openOn = (nodeName: string): ReadonlyArray<string> => {
    const attached = new Set(ec2.instance(instanceOf(nodeName))?.interfaces.flatMap((i) => i.groupIds) ?? [])
    return groups()
      .filter((g) => attached.has(g.groupId))
      .flatMap((g) => g.permissions.map(Permission.key))
      .toSorted()
  }
  /** Counts the moments, from now on, in which a rule was open on none of the nodes. */
  const watchGapsOnAny = (nodeNames: ReadonlyArray<string>, key: string) => {
    let gaps = 0
    ec2.onEntry(() => {
      if (!nodeNames.some((n) => openOn(n).includes(key))) gaps += 1
    })
    return () => gaps
  }
  return {
    kubernetes,
    ec2,
    instanceOf,
    interfaceOf,
    groups,
    openOn,
    watchGapsOnAny,
    watchGaps: (nodeName: string, key: string) => watchGapsOnAny([nodeName], key),
    state: (rule: string) => statusOf(firewallRules, rule).state,
    events: () => kubernetes.all(events).map((e) => e.reason),
    start,
    startWith,
    launch,
    goAway,
    pass,
    stop: Effect.fnUntraced(function* (running: { readonly stop: Effect.Effect<void> }) {
      const stopping = yield* Effect.forkChild(running.stop)
      yield* pass("8 seconds")
      yield* Fiber.join(stopping)
    }),
    create: (kind: "ExternalIP" | "FirewallRule", name: string, spec: Fields, metadata: Fields = {}) =>
      kubernetes.create(kind === "ExternalIP" ? externalIPs : firewallRules, {
        metadata: { name, ...metadata },
        spec
      }),
    change: (kind: "ExternalIP" | "FirewallRule" | "Node", name: string, patch: Fields) =>
      kubernetes.patch(
        kind === "ExternalIP" ? externalIPs : kind === "Node" ? nodes : firewallRules,
        { name },
        patch
      ),
    remove: (kind: "ExternalIP" | "FirewallRule" | "Node", name: string) =>
      kubernetes.remove(kind === "ExternalIP" ? externalIPs : kind === "Node" ? nodes : firewallRules, {
        name
      }),
    externalIP: (name: string) => named(kubernetes.all(externalIPs), name),
    externalIPs: () => kubernetes.all(externalIPs),
    firewallRule: (name: string) => named(kubernetes.all(firewallRules), name),
    statusOf: (kind: "ExternalIP" | "FirewallRule", name: string) => statusOf(kindOf(kind), name),
    condition: (kind: "ExternalIP" | "FirewallRule", name: string, type: string) =>
      ((statusOf(kindOf(kind), name).conditions ?? []) as ReadonlyArray<Fields>).find(
        (c) => c.type === type
      ) ?? {},
    labelOf: (name: string) =>
      (named(kubernetes.all(nodes), name)?.metadata.labels as Readonly<Record<string, string>> | undefined)?.[
        addressLabel
      ],
    taintsOf: (name: string) =>
      (((named(kubernetes.all(nodes), name)?.spec as Fields)?.taints ?? []) as ReadonlyArray<Fields>).map(
        (t) => t.key
      ),
    /** Successful mutating calls by action. */
    mutations: () =>
      Object.fromEntries([...succeeded(ec2.calls())].filter(([action]) => isMutating(action))) as Readonly<
        Record<string, number>
      >,
    /** What the operator wrote, events apart. */
    writes: () => kubernetes.writes.filter((w) => w.kind !== "Event"),
    node: (name: string) => named(kubernetes.all(nodes), name),
    pods: () => kubernetes.all(pods)
  }
})
