/**
 * One lease, as the API server keeps it, for contenders under test.
 * Rule: writes need the version they were made from; everything that happens to a request is drawn from `weather`.
 */
import { Clock, Effect, Fiber, Queue, Stream } from "effect"
import { leaseName } from "../../src/domain/Names.ts"
import type { Raw } from "../../src/domain/Object.ts"
import { leases, type Service, type WatchEvent } from "../../src/kubernetes/Kubernetes.ts"
import {
  AlreadyExists,
  Conflict,
  type KubernetesError,
  NotFound,
  Unreachable
} from "../../src/kubernetes/KubernetesError.ts"
import { failing, fake } from "./FakeKubernetes.ts"

/** What happens to one request: how long it takes there and back, and whether it or its answer is lost. */
export interface Weather {
  readonly thereMillis?: number
  readonly backMillis?: number
  readonly lost?: "request" | "answer"
}

export interface Change {
  /** Milliseconds of the test's clock. */
  readonly at: number
  readonly spec: Readonly<Record<string, unknown>> | undefined
}

type Answer = Effect.Effect<Raw, KubernetesError>

export const make = () => {
  let stored: Raw | undefined
  let version = 0
  const changes: Array<Change> = []
  const watchers = new Set<Queue.Queue<WatchEvent>>()

  const put = (object: Raw | undefined, type: "ADDED" | "MODIFIED" | "DELETED"): Answer =>
    Effect.gen(function* () {
      version++
      const before = stored
      stored =
        object === undefined
          ? undefined
          : { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
      const told = stored ?? before ?? { metadata: {} }
      changes.push({
        at: yield* Clock.currentTimeMillis,
        spec: stored?.spec as Change["spec"]
      })
      for (const watcher of watchers) Queue.offerUnsafe(watcher, { type, object: told })
      return told
    })

  const get: Answer = Effect.suspend(() =>
    stored === undefined ? failing(new NotFound({ message: "" })) : Effect.succeed(stored)
  )
  const create = (object: Raw): Answer =>
    Effect.suspend(() =>
      stored === undefined ? put(object, "ADDED") : failing(new AlreadyExists({ message: "" }))
    )
  const update = (object: Raw): Answer =>
    Effect.suspend(() => {
      if (stored === undefined) return failing(new NotFound({ message: "" }))
      return object.metadata.resourceVersion === stored.metadata.resourceVersion
        ? put(object, "MODIFIED")
        : failing(new Conflict({ message: "" }))
    })

  const unreachable = failing(new Unreachable({ message: "lost" }))

  /** A connection that one contender uses. What has left it arrives, also when its sender no longer waits. */
  const connection = (weather: () => Weather = () => ({})): Service => {
    const through = (answer: Answer): Answer =>
      Effect.gen(function* () {
        const { thereMillis = 0, backMillis = 0, lost } = weather()
        if (lost === "request") return yield* Effect.andThen(Effect.sleep(thereMillis), unreachable)
        const underWay = yield* Effect.forkDetach(Effect.exit(Effect.delay(answer, thereMillis)))
        const arrived = yield* Fiber.join(underWay)
        yield* Effect.sleep(backMillis)
        return yield* lost === "answer" ? unreachable : arrived
      })
    return fake({
      get: () => through(get),
      create: (_, object) => through(create(object)),
      update: (_, __, object) => through(update(object)),
      watch: (_, { fieldSelector }) => {
        if (fieldSelector !== `metadata.name=${leaseName}`) return Stream.die("a watch of other leases")
        return Stream.unwrap(
          Effect.gen(function* () {
            if (weather().lost !== undefined) return Stream.fromEffect(unreachable)
            const watcher = yield* Effect.acquireRelease(Queue.unbounded<WatchEvent>(), (queue) =>
              Effect.sync(() => watchers.delete(queue))
            )
            watchers.add(watcher)
            return Stream.fromQueue(watcher)
          })
        )
      }
    })
  }

  return {
    connection,
    changes,
    /** How many watches are open. */
    watches: () => watchers.size,
    spec: (): Change["spec"] => stored?.spec as Change["spec"],
    /** As somebody else writes it. */
    write: (spec: Readonly<Record<string, unknown>>) =>
      Effect.orDie(
        put(
          { kind: leases.kind, metadata: { name: leaseName }, spec },
          stored === undefined ? "ADDED" : "MODIFIED"
        )
      ),
    remove: Effect.suspend(() => Effect.orDie(put(undefined, "DELETED")))
  }
}
