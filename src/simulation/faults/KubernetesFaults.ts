/**
 * The Kubernetes service with a fate for every request, and for every event on its way to a watch.
 * Rule: a layer around a service; what a status says is what a client makes of it, by the API conventions.
 */
import { Effect, Stream } from "effect"
import type { Service, WatchEvent } from "../../kubernetes/Kubernetes.ts"
import {
  AlreadyExists,
  Conflict,
  Expired,
  Forbidden,
  KubernetesError,
  type Reason,
  ServerFault,
  TooManyRequests,
  Unreachable
} from "../../kubernetes/KubernetesError.ts"
import { Carrier, Peculiarity } from "../Peculiarity.ts"
import { carry } from "./Carry.ts"
import type { Host, Life } from "./Host.ts"
import { type Call, lateMillis, type Outcome, type Sort } from "./Outcome.ts"

const message = "injected"

const reasonOf = (outcome: Outcome): Reason => {
  switch (outcome) {
    case "409":
      return new Conflict({ message })
    case "409 AlreadyExists":
      return new AlreadyExists({ message })
    case "410":
    case "dropped":
      return new Expired({ message })
    case "403":
      return new Forbidden({ message })
    case "429":
      return new TooManyRequests({ message, retryAfterMillis: 1_000 })
    case "no answer":
      return new Unreachable({ message: "no answer" })
    default:
      return new ServerFault({ message, status: Number.parseInt(outcome, 10) })
  }
}

const peculiarities: Readonly<Record<string, Peculiarity>> = {
  "behind by 1": { behind: 1 },
  "behind by 3": { behind: 3 }
}

export const layer = (service: Service, host: Host, life: Life): Service => {
  const request = <A>(
    sort: Sort,
    name: string,
    body: unknown,
    send: Effect.Effect<A, KubernetesError>
  ): Effect.Effect<A, KubernetesError> =>
    Effect.suspend(() => {
      if (life.isDead) return Effect.never
      const call: Call = { sort, name }
      const outcome = host.fate(life, call, body)
      const error = (o: Outcome) => new KubernetesError({ operation: name, reason: reasonOf(o) })
      const carriage = { host, life, unreachable: () => error("no answer") }
      const peculiarity = outcome === undefined ? undefined : peculiarities[outcome]
      return peculiarity === undefined
        ? carry(carriage, outcome, send, error)
        : carry(carriage, undefined, Effect.provideService(send, Peculiarity, peculiarity), error)
    })

  return {
    list: (resource, o) => request("read", `list ${resource.plural}`, o, service.list(resource, o)),
    get: (resource, ref) => request("read", `get ${resource.plural}`, ref, service.get(resource, ref)),
    create: (resource, object, namespace) =>
      request("write", `create ${resource.plural}`, object, service.create(resource, object, namespace)),
    patch: (resource, ref, patch, o) => {
      const path = o?.subresource === undefined ? resource.plural : `${resource.plural}/${o.subresource}`
      return request("write", `patch ${path}`, [ref.name, patch], service.patch(resource, ref, patch, o))
    },
    update: (resource, ref, object) =>
      request("write", `update ${resource.plural}`, object, service.update(resource, ref, object)),
    watch: (resource, o) => {
      const name = `watch ${resource.plural}`
      return Stream.unwrap(
        Effect.suspend((): Effect.Effect<Stream.Stream<WatchEvent, KubernetesError>, KubernetesError> => {
          if (life.isDead) return Effect.never
          const call: Call = { sort: "watch", name }
          const outcome = host.fate(life, call, o)
          if (outcome === undefined) {
            const events = service.watch(resource, o)
            return Effect.succeed(Stream.provideService(events, Carrier, carrierOf(host, life)))
          }
          if (outcome === "closed") return Effect.succeed(Stream.empty)
          return Effect.fail(new KubernetesError({ operation: name, reason: reasonOf(outcome) }))
        })
      )
    }
  }
}

/** "A watch that brought nothing for 90 s is half open": the client gives up on it. */
const silenceMillis = 90_000

/** How the events of one watch of this operator travel. */
const carrierOf =
  (host: Host, life: Life): Carrier =>
  (resource, watcher) => {
    const { epoch } = life
    life.watchers.add(watcher)
    /** A stream keeps its order: what follows a late event is late as well. */
    let held: Array<WatchEvent> | undefined

    const release = (): void => {
      const events = held ?? []
      held = undefined
      for (const one of events) watcher.offer(one)
    }

    return (event) => {
      if (life.isDead || life.epoch !== epoch) return
      if (held !== undefined) {
        held.push(event)
        return
      }
      if (event.type === "BOOKMARK") return watcher.offer(event)
      const call: Call = { sort: "event", name: `${event.type} ${resource.plural}` }
      const outcome = host.fate(life, call, event.object)
      switch (outcome) {
        case undefined:
          return watcher.offer(event)
        case "twice":
          watcher.offer(event)
          return watcher.offer(event)
        case "closed":
          return watcher.end()
        case "late":
          held = [event]
          return host.detached(Effect.andThen(Effect.sleep(lateMillis), Effect.sync(release)))
        default:
          return watcher.fail(reasonOf(outcome))
      }
    }
  }

/** All connections of an operator die without a word; new ones are fine. Its watches notice after a while. */
export const cutOff = (life: Life, host: Host): void => {
  life.epoch += 1
  const silent = [...life.watchers]
  life.watchers.clear()
  const notice = Effect.sync(() => {
    for (const { fail } of silent) fail(new Unreachable({ message: "nothing came for 90 s" }))
  })
  host.detached(Effect.andThen(Effect.sleep(silenceMillis), notice))
}
