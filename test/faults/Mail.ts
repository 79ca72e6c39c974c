/**
 * Requests, answers and events that are under way until they are chosen.
 * Rule: a stream keeps its order, everything else may overtake: what comes next is the machine's to choose.
 */
import { Effect, Stream } from "effect"
import type { Service as Ec2Service } from "../../src/ec2/Ec2.ts"
import type { Service as KubernetesService, WatchEvent } from "../../src/kubernetes/Kubernetes.ts"
import { Carrier } from "../../src/simulation/Peculiarity.ts"
import type { Machine } from "./Machine.ts"

const underWay = ({ post }: Machine): Effect.Effect<void> =>
  Effect.callback((resume) => {
    post(() => resume(Effect.void))
  })

const mailed = <A, E>(machine: Machine, send: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.andThen(underWay(machine), Effect.exit(send)).pipe(
    Effect.tap(() => underWay(machine)),
    Effect.flatten
  )

export const ec2 = (service: Ec2Service, machine: Machine): Ec2Service =>
  Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      (input: never) => mailed(machine, (method as (input: never) => Effect.Effect<unknown, unknown>)(input))
    ])
  ) as unknown as Ec2Service

export const kubernetes = (service: KubernetesService, machine: Machine): KubernetesService => ({
  list: (resource, o) => mailed(machine, service.list(resource, o)),
  get: (resource, ref) => mailed(machine, service.get(resource, ref)),
  create: (resource, object, namespace) => mailed(machine, service.create(resource, object, namespace)),
  patch: (resource, ref, patch, o) => mailed(machine, service.patch(resource, ref, patch, o)),
  update: (resource, ref, object) => mailed(machine, service.update(resource, ref, object)),
  watch: (resource, o) => Stream.provideService(service.watch(resource, o), Carrier, carrier(machine))
})

/** The first of a watch's events is under way; the others wait behind it. */
const carrier =
  ({ post }: Machine): Carrier =>
  (_, watcher) => {
    const waiting: Array<WatchEvent> = []
    const next = (): void => {
      const [event] = waiting
      if (event === undefined) return
      post(() => {
        waiting.shift()
        watcher.offer(event)
        next()
      })
    }
    return (event) => {
      waiting.push(event)
      if (waiting.length === 1) next()
    }
  }
