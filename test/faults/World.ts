/**
 * Both pretend worlds with one operator over them, or two that share a lease, on a machine of their own.
 * Rule: the worlds outlive the operators, which die at any call and are started again over what they left.
 */
import { Context, Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { Ec2, type Service as Ec2Service } from "../../src/ec2/Ec2.ts"
import { Kubernetes, type Service as KubernetesService } from "../../src/kubernetes/Kubernetes.ts"
import * as Leadership from "../../src/kubernetes/Leadership.ts"
import * as Composition from "../../src/operator/Composition.ts"
import { Operator } from "../../src/operator/Operator.ts"
import { Settings } from "../../src/operator/Settings.ts"
import { never } from "../../src/simulation/Draw.ts"
import * as Ec2Simulation from "../../src/simulation/Ec2.ts"
import type { ConditionsChange } from "../../src/simulation/Ec2Conditions.ts"
import { Ec2World } from "../../src/simulation/Ec2World.ts"
import * as Ec2Faults from "../../src/simulation/faults/Ec2Faults.ts"
import type { Host, Life } from "../../src/simulation/faults/Host.ts"
import * as KubernetesFaults from "../../src/simulation/faults/KubernetesFaults.ts"
import * as KubernetesSimulation from "../../src/simulation/Kubernetes.ts"
import { settingsOf } from "../Settings.ts"
import * as Hands from "./Hands.ts"
import * as Machine from "./Machine.ts"
import * as Mail from "./Mail.ts"

export const clusterId = "faults"
const namespace = "kubestatic"

/** A broken part in the place of a good one. */
export interface Breakage {
  readonly ec2?: (service: Ec2Service) => Ec2Service
  readonly kubernetes?: (service: KubernetesService) => KubernetesService
  readonly settings?: Partial<Settings["Service"]>
  readonly leadership?: (good: Leadership.Leadership["Service"]) => Leadership.Leadership["Service"]
  readonly rateShare?: number
  readonly conditions?: ConditionsChange
}

export interface Options {
  readonly fate: Host["fate"]
  readonly arrived: () => void
  readonly settings?: Partial<Settings["Service"]>
  readonly breakage?: Breakage
  /** More than one: by lease. */
  readonly operators?: number
  /** Every request, answer and event is on its way until this chooses it, of so many; else each takes its time. */
  readonly choose?: (count: number) => number
  /** Something happened to an operator or behind its back, in words. */
  readonly tell: (what: string) => void
}

/** Milliseconds from a request to its answer. */
const travel = { ec2: 60, kubernetes: 4 } as const

/** Between the end of a process and its next start. */
const restartAfter = 1_000

const made = <A>(exit: Exit.Exit<A, unknown>): A => {
  if (Exit.isSuccess(exit)) return exit.value
  throw new Error(`the world cannot be made: ${String(exit.cause)}`)
}

export const make = (options: Options) => {
  const { breakage = {}, operators = 1, tell } = options
  const isMail = options.choose !== undefined
  const machine = Machine.make(options.choose)
  const worlds = made(
    machine.atOnce(
      Layer.buildWithScope(
        Layer.merge(
          KubernetesSimulation.layer({
            seed: "faults",
            latency: Effect.succeed(Duration.millis(isMail ? 0 : travel.kubernetes))
          }),
          Ec2Simulation.layer({
            seed: "faults",
            conditions: {
              latency: isMail ? never : { min: travel.ec2, max: travel.ec2 },
              // By chance EC2 gives none back, and then there is no interface to choose: nothing a fault has to do with.
              newAutoAssignedAddress: 1,
              ...breakage.conditions
            }
          })
        ),
        Scope.makeUnsafe()
      )
    )
  )
  const cluster = Context.get(worlds, KubernetesSimulation.Cluster)
  const ec2 = Context.get(worlds, Ec2World)
  const settings = settingsOf({
    clusterId,
    ...options.settings,
    ...breakage.settings
  })

  let lives = 0
  let ended: string | undefined
  let byHand = false
  const fibers = new Map<Life, Fiber.Fiber<unknown, unknown>>()

  /** Something that happens outside of the operators, in no time. */
  const act = <A, E>(effect: Effect.Effect<A, E>): A => {
    byHand = true
    try {
      return made(machine.atOnce(effect))
    } finally {
      byHand = false
    }
  }

  const detached = (effect: Effect.Effect<unknown>): void => {
    machine.start(effect)
  }

  const host: Host = {
    fate: options.fate,
    arrived: options.arrived,
    detached,
    crash: (life) => {
      // Of two calls that were under way together, each may end it: once.
      if (life.isDead) return
      life.isDead = true
      tell(`operator ${life.number} is killed`)
      const fiber = fibers.get(life)
      // Not here: it is the one that runs.
      detached(Effect.andThen(Effect.yieldNow, fiber === undefined ? Effect.void : Fiber.interrupt(fiber)))
      restart()
    },
    byHand: (hand, life) => {
      tell(hand)
      if (hand === "hand: every connection dies silently") KubernetesFaults.cutOff(life, host)
      else
        Hands.play(hand, {
          ec2,
          act,
          later: (millis, effect) => detached(Effect.andThen(Effect.sleep(millis), effect))
        })
    }
  }

  const layerOf = (life: Life) => {
    const kubernetes = KubernetesFaults.layer(Context.get(worlds, Kubernetes), host, life)
    const faulty = Ec2Faults.layer(Context.get(worlds, Ec2), host, life)
    const service = isMail ? Mail.ec2(faulty, machine) : faulty
    const posted = isMail ? Mail.kubernetes(kubernetes, machine) : kubernetes
    const spoilt = breakage.kubernetes?.(posted) ?? posted
    const leadership = Layer.effect(
      Leadership.Leadership,
      Effect.map(Leadership.Leadership, (good) => breakage.leadership?.(good) ?? good)
    ).pipe(
      Layer.provide(
        operators > 1
          ? Layer.provide(Leadership.layer({ namespace }), Layer.succeed(Kubernetes, kubernetes))
          : Leadership.layerAlone
      )
    )
    return Composition.layer({ ec2RateShare: breakage.rateShare ?? 1, dryRun: false }).pipe(
      Layer.provide(Layer.succeed(Settings, settings)),
      Layer.provide(leadership),
      Layer.provide(Layer.succeed(Kubernetes, spoilt)),
      Layer.provide(Layer.succeed(Ec2, breakage.ec2?.(service) ?? service))
    )
  }

  const start = (): void => {
    lives += 1
    const life: Life = { number: lives, isDead: false, epoch: 0, watchers: new Set() }
    tell(`operator ${life.number} starts`)
    const whole = Effect.scoped(
      Effect.flatMap(Layer.build(Layer.fresh(layerOf(life))), (context) => Context.get(context, Operator).run)
    )
    const fiber = machine.start(
      Effect.onExit(whole, (exit) =>
        Effect.sync(() => {
          fibers.delete(life)
          if (life.isDead) return
          const why = Exit.isFailure(exit) ? String(exit.cause) : "without a reason"
          tell(`operator ${life.number} ends: ${why}`)
          life.isDead = true
          // Who loses the lease ends, and its Deployment starts it again; nothing else is a reason to end.
          if (operators === 1 || !why.includes("LeadershipLost")) ended = why
          restart()
        })
      )
    )
    fibers.set(life, fiber)
  }

  const restart = (): void => detached(Effect.andThen(Effect.sleep(restartAfter), Effect.sync(start)))

  return {
    machine,
    cluster,
    ec2,
    act,
    pass: machine.pass,
    start: () => {
      for (let n = 0; n < operators; n++) start()
    },
    /** Whether what happens right now is nobody's request. */
    isByHand: () => byHand,
    /** Why a process ended by itself, which it never should. */
    ended: () => ended
  }
}

export type World = ReturnType<typeof make>
