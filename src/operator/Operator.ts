/**
 * The operator: mirrors, leadership, actors and sweeps joined into one effect.
 * Rule: no actor runs before every store has its first list and a sweep has ended that began after the lease
 * was taken; whatever dies in here ends the whole, never silently.
 */
import { Clock, Context, Deferred, Duration, Effect, Layer, Metric, Schedule } from "effect"
import * as ActorSystem from "../actor/ActorSystem.ts"
import * as Metrics from "../domain/Metrics.ts"
import { Tag } from "../domain/Names.ts"
import type { Ec2 } from "../ec2/Ec2.ts"
import { Urgency } from "../ec2/Governor.ts"
import { Asker } from "../ec2/Inventory.ts"
import type { Events } from "../kubernetes/Events.ts"
import { Leadership, type LeadershipLost } from "../kubernetes/Leadership.ts"
import * as Assignment from "./assignment/Behaviour.ts"
import type { Cluster } from "./Cluster.ts"
import * as ExternalIP from "./externalip/Behaviour.ts"
import { describe, type Failure, retryOf } from "./Failure.ts"
import * as FirewallRule from "./firewallrule/Behaviour.ts"
import { targetOf } from "./firewallrule/Target.ts"
import * as Gauges from "./Gauges.ts"
import { instancesInPlay } from "./InPlay.ts"
import { type ActorRef, assignmentKey, isSameActor, type Kind } from "./Kinds.ts"
import { Mirrors } from "./Mirrors.ts"
import * as Node from "./node/Behaviour.ts"
import * as Routes from "./Routes.ts"
import { Settings } from "./Settings.ts"
import { surroundings } from "./Surroundings.ts"
import * as SecurityGroup from "./securitygroup/Behaviour.ts"

/** More crashes than this, over all actors, is not one bad object: the process ends and is started afresh. */
const intensity = { defects: 20, within: Duration.minutes(1) }

/** A sweep that fails is tried again, slower and slower, and at the latest when the next one is due. */
const sweepRetry = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("30 seconds")]).pipe(
  Schedule.jittered
)

export interface ActorState {
  readonly kind: string
  readonly key: string
  readonly state: string
  readonly note?: string | undefined
  readonly until?: number | undefined
  readonly failures: number
}

export class Operator extends Context.Service<
  Operator,
  {
    /** Runs until interrupted; fails when the lease is lost or supervision gives up. */
    readonly run: Effect.Effect<never, LeadershipLost | ActorSystem.Escalated>
    /** Every store has its first list and the first sweep has ended. */
    readonly isReady: Effect.Effect<boolean>
    /** Supervisors run. */
    readonly isHealthy: Effect.Effect<boolean>
    /** Completes once no actor runs or is woken; timers may be pending. */
    readonly awaitIdle: Effect.Effect<void>
    readonly actors: () => ReadonlyArray<ActorState>
    /** Brings gauges up to date; called when somebody looks. */
    readonly updateGauges: Effect.Effect<void>
    /** Reads EC2 back now, as every drift interval does. */
    readonly sweep: Effect.Effect<void>
  }
>()("kubestatic/operator/Operator") {}

const make = Effect.gen(function* () {
  const mirrors = yield* Mirrors
  const settings = yield* Settings
  const leadership = yield* Leadership
  const { inventory } = mirrors
  /** Reads are asked for in the actor's name, so that what they bring does not wake it. */
  const asking =
    (kind: Kind, behaviour: ActorSystem.Behaviour<Failure, never>): ActorSystem.Behaviour<Failure, never> =>
    (key) =>
      Effect.provideService(behaviour(key), Asker, { kind, key })
  const node = yield* Node.make
  const behaviours = {
    Node: asking("Node", node.behaviour),
    Assignment: asking("Assignment", yield* Assignment.make),
    ExternalIP: asking("ExternalIP", yield* ExternalIP.make),
    SecurityGroup: asking("SecurityGroup", yield* SecurityGroup.make),
    FirewallRule: asking("FirewallRule", yield* FirewallRule.make)
  }

  let isReady = false
  let isHealthy = true
  let system: ActorSystem.ActorSystem<Kind> | undefined
  const started = yield* Deferred.make<void>()

  const sweepOnce = Effect.gen(function* () {
    yield* inventory.sweep(instancesInPlay(mirrors, settings))
    yield* Metric.update(Metrics.lastSweep, (yield* Clock.currentTimeMillis) / 1000)
  }).pipe(
    Effect.provideService(Urgency, "Sweep"),
    Effect.tapError((error) => Effect.logWarning(`Reading EC2 failed: ${describe(error)}`)),
    Effect.withSpan("Operator.sweep")
  )
  const sweep = sweepOnce.pipe(Effect.retry(sweepRetry), Effect.orDie)

  const stores = [mirrors.nodes, mirrors.pods, mirrors.externalIPs, mirrors.firewallRules]

  const mirrored = Effect.forEach(stores, (store) => store.ready, { concurrency: "unbounded", discard: true })

  const warmUp = Effect.gen(function* () {
    yield* mirrored
    const began = yield* Clock.currentTimeMillis
    yield* sweep
    isReady = true
    yield* Effect.logInfo("Ready: every list is complete and EC2 has been read")
    return began
  })

  /** Takes over: what another leader wrote since our sweep began is read before anything is decided. */
  const takeOver = Effect.gen(function* () {
    const acquired = Effect.andThen(leadership.acquired, Clock.currentTimeMillis)
    const [sweptFrom, leadsFrom] = yield* Effect.all([warmUp, acquired], { concurrency: 2 })
    if (leadsFrom > sweptFrom) yield* Effect.all([sweep, catchUp], { concurrency: 2, discard: true })
    // A watch may have failed meanwhile, with its first event: what its list lacks is still to come.
    yield* mirrored
  })

  /**
   * A watch may be seconds behind, or half-open for a minute and unnoticed: often the last leader's end is this one's
   * broken line. Whoever misses what that leader knew undoes it: makes a node a second ExternalIP, closes a port, takes
   * an address from a node that it does not see, or that pods need.
   */
  const catchUp = Effect.forEach(
    stores,
    (store) =>
      store.refresh.pipe(
        Effect.tapError((error) => Effect.logWarning(`Catching up failed: ${error.message}`)),
        Effect.retry(sweepRetry),
        Effect.orDie
      ),
    { concurrency: "unbounded", discard: true }
  )

  /** Of the mirrors, told so far. */
  let changes = 0

  const start = Effect.gen(function* () {
    inventory.takeOver()
    const actors = yield* ActorSystem.make<Kind, Failure, never>({
      behaviours,
      glances: { Node: node.glance },
      changes: () => changes,
      retryOf,
      describeError: describe,
      intensity
    })
    system = actors
    const routes = Routes.make(mirrors, settings)
    const tell = (ref: ActorRef, why: string) => actors.tell(ref.kind, ref.key, why)
    mirrors.onChange((change, by) => {
      if (system !== actors) return
      changes += 1
      for (const ref of routes(change)) if (!isSameActor(by, ref)) tell(ref, change._tag)
    })
    for (const ref of everybody()) tell(ref, "start")
    yield* Deferred.succeed(started, undefined)
    yield* Effect.logInfo("Leading: actors run")
    return actors
  })

  const everybody = (): ReadonlyArray<ActorRef> => {
    const around = surroundings(mirrors)
    const groupsOf = new Set<string>()
    for (const group of inventory.groups()) {
      const nodeName = group.tags[Tag.nodeName]
      if (nodeName !== undefined) groupsOf.add(nodeName)
    }
    const refs: Array<ActorRef> = []
    for (const node of mirrors.nodes.all()) refs.push({ kind: "Node", key: node.name })
    for (const e of mirrors.externalIPs.all()) refs.push({ kind: "ExternalIP", key: e.metadata.name })
    for (const rule of mirrors.firewallRules.all()) {
      const target = targetOf(rule, around)
      if (target._tag === "Node") groupsOf.add(target.nodeName)
      refs.push({ kind: "FirewallRule", key: rule.metadata.name })
    }
    for (const nodeName of groupsOf) refs.push({ kind: "SecurityGroup", key: nodeName })
    refs.push({ kind: "Assignment", key: assignmentKey })
    return refs
  }

  const driftLoop = Effect.forever(Effect.andThen(Effect.sleep(settings.driftInterval), sweep))

  const lead = Effect.gen(function* () {
    // Finalizers run backwards: the actors have stopped before the lease is given away.
    yield* Effect.addFinalizer(() => leadership.release)
    yield* takeOver
    const actors = yield* Effect.acquireRelease(start, (running) =>
      Effect.andThen(
        Effect.sync(() => {
          system = undefined
        }),
        running.stop
      )
    )
    return yield* Effect.raceFirst(actors.escalated, driftLoop)
  })

  const run = Effect.gen(function* () {
    const mirrorsRun = Effect.all(
      stores.map((store) => store.run),
      { concurrency: "unbounded", discard: true }
    )
    return yield* Effect.raceFirst(
      Effect.raceFirst(Effect.andThen(mirrorsRun, Effect.never), leadership.lost),
      Effect.scoped(lead)
    )
  }).pipe(
    Effect.onExit(() =>
      Effect.sync(() => {
        isHealthy = false
        isReady = false
      })
    )
  )

  return Operator.of({
    run: run as Effect.Effect<never, LeadershipLost | ActorSystem.Escalated>,
    isReady: Effect.sync(() => isReady),
    isHealthy: Effect.sync(() => isHealthy),
    awaitIdle: Effect.andThen(
      Deferred.await(started),
      Effect.suspend(() => system?.awaitIdle ?? Effect.void)
    ),
    actors: () => system?.snapshot() ?? [],
    updateGauges: Effect.suspend(() => Gauges.update(mirrors, settings, system?.snapshot() ?? [])),
    sweep
  })
})

export const layer: Layer.Layer<Operator, never, Mirrors | Settings | Leadership | Cluster | Ec2 | Events> =
  Layer.effect(Operator, make)
