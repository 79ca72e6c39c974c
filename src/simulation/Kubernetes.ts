/**
 * The Kubernetes service over a pretended API server.
 * Rule: the operator's requests go through one function that takes time and counts; users and controllers of the
 * scenario use the control surface, which does neither.
 */
import { Cause, Clock, Context, Duration, Effect, Layer, Queue, Result, Stream } from "effect"
import { admit } from "../domain/Admission.ts"
import type { Raw } from "../domain/Object.ts"
import {
  apiVersionOf,
  Kubernetes,
  type ListOptions,
  namespaces,
  type ObjectRef,
  type Page,
  type Resource,
  type Service,
  subjectAccessReviews,
  tokenReviews,
  type WatchEvent,
  type WatchOptions
} from "../kubernetes/Kubernetes.ts"
import { Expired, KubernetesError, type Reason } from "../kubernetes/KubernetesError.ts"
import { type Admit, ApiServer, type Event } from "./ApiServer.ts"
import { Carrier, Peculiarity, type Watcher } from "./Peculiarity.ts"
import * as Selector from "./Selector.ts"
import * as Strategy from "./Strategy.ts"

/** A write of the operator. */
export interface Write {
  /** Epoch milliseconds. */
  readonly at: number
  readonly verb: "create" | "patch" | "update"
  readonly kind: string
  readonly name: string
  readonly subresource: "status" | undefined
  readonly outcome: string
}

/** What scenarios and tests do to the cluster, and see of it. */
export class Cluster extends Context.Service<
  Cluster,
  {
    readonly create: (resource: Resource, object: Raw) => Effect.Effect<Raw, KubernetesError>
    readonly patch: (
      resource: Resource,
      ref: ObjectRef,
      patch: unknown,
      subresource?: "status"
    ) => Effect.Effect<Raw, KubernetesError>
    readonly remove: (resource: Resource, ref: ObjectRef) => Effect.Effect<Raw, KubernetesError>
    readonly get: (resource: Resource, ref: ObjectRef) => Raw | undefined
    readonly all: (resource: Resource) => ReadonlyArray<Raw>
    /** Every write of the operator, in order. */
    readonly writes: ReadonlyArray<Write>
    /** Called with each change of an object after it was made; for as long as the cluster lives. */
    readonly onChange: (listener: (event: Event) => void) => void
    /** Ends every open watch, as a restarting server does. */
    readonly closeWatches: () => void
    /** Forgets history: a watch that ended must list again. */
    readonly compact: () => void
  }
>()("kubestatic/simulation/Cluster") {}

export interface Options {
  readonly seed: string
  /** Drawn once per request. */
  readonly latency: Effect.Effect<Duration.Duration>
  /** What admission says; that of our CRDs unless a test has its own. */
  readonly admit?: Admit
}

/** In a list of the server's own kinds the list alone says what they are. */
const withoutType = ({ apiVersion: _, kind: __, ...object }: Raw): Raw => object

/** A deletion is told with the object as it was before, and the version of the deletion (cacher.go, convertToWatchEvent). */
const withVersion = (object: Raw, version: number): Raw => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(version) }
})

/** "Watch bookmarks": about every minute. */
const bookmarkEvery = Duration.seconds(60)

interface Continuation {
  readonly version: number
  readonly rest: ReadonlyArray<Raw>
}

export const make = Effect.fnUntraced(function* (options: Options) {
  const clock = yield* Clock.Clock
  const server = new ApiServer({
    admit: options.admit ?? admit,
    seed: options.seed,
    now: () => clock.currentTimeMillisUnsafe()
  })
  server.create(namespaces, { metadata: { name: "kube-system" } })
  const writes: Array<Write> = []
  const watches = new Set<() => void>()
  const continuations = new Map<string, Continuation>()
  let nextToken = 0

  const named = (operation: string) => (reason: Reason) => new KubernetesError({ operation, reason })
  const answer = <A>(
    operation: string,
    result: Result.Result<A, Reason>
  ): Effect.Effect<A, KubernetesError> => Effect.fromResult(Result.mapError(result, named(operation)))

  /** Half of the time on the way there, half on the way back. */
  const request = <A>(
    operation: string,
    handle: () => Result.Result<A, Reason>
  ): Effect.Effect<A, KubernetesError> =>
    Effect.gen(function* () {
      const latency = Duration.toMillis(yield* options.latency)
      if (latency > 0) yield* Effect.sleep(Duration.millis(latency / 2))
      const result = handle()
      if (latency > 0) yield* Effect.sleep(Duration.millis(latency / 2))
      return yield* answer(operation, result)
    })

  const write = (
    verb: Write["verb"],
    resource: Resource,
    name: string,
    subresource: "status" | undefined,
    handle: () => Result.Result<Raw, Reason>
  ) =>
    request(`${verb} ${resource.plural}/${name}`, () => {
      const result = handle()
      const outcome = Result.isSuccess(result) ? "OK" : result.failure._tag
      const at = clock.currentTimeMillisUnsafe()
      writes.push({ at, verb, kind: resource.kind, name, subresource, outcome })
      return result
    })

  const list = (
    resource: Resource,
    o: ListOptions,
    { behind = 0 }: Peculiarity
  ): Result.Result<Page, Reason> => {
    const told =
      behind === 0
        ? { all: server.all(resource), version: server.currentVersion }
        : server.before(resource, behind)
    const before = o.continue === undefined ? undefined : continuations.get(o.continue)
    if (o.continue !== undefined && before === undefined) {
      return Result.fail(new Expired({ message: "the provided continue parameter is too old" }))
    }
    const version = before?.version ?? told.version
    const candidates = before?.rest ?? told.all.filter((object) => Selector.isWithin(object, o))
    const matching = candidates.filter((object) => Selector.matches(object, o))
    const shown = o.limit === undefined ? matching : matching.slice(0, o.limit)
    const items = Strategy.of(resource).isCustom ? shown : shown.map(withoutType)
    // What is left may hold nothing that matches: the server does not look before it says that there is more.
    const last = shown.at(-1)
    const isFull = shown.length === o.limit && last !== undefined
    const rest = isFull ? candidates.slice(candidates.indexOf(last) + 1) : []
    if (rest.length === 0)
      return Result.succeed({ items, resourceVersion: String(version), continue: undefined })
    nextToken += 1
    const token = `c${nextToken}`
    continuations.set(token, { version, rest })
    return Result.succeed({ items, resourceVersion: String(version), continue: token })
  }

  /** As a watcher with this selection sees an event, if at all. */
  const seenBy = (event: Event, resource: Resource, o: WatchOptions): WatchEvent | undefined => {
    if (event.resource !== resource) return undefined
    const is = event.type !== "DELETED" && Selector.matches(event.object, o)
    const was = event.previous !== undefined && Selector.matches(event.previous, o)
    if (is) return { type: was ? "MODIFIED" : "ADDED", object: event.object }
    return was && event.previous !== undefined
      ? { type: "DELETED", object: withVersion(event.previous, event.version) }
      : undefined
  }

  const watch = (resource: Resource, o: WatchOptions): Stream.Stream<WatchEvent, KubernetesError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const past = yield* request(`watch ${resource.plural}`, () => server.since(Number(o.resourceVersion)))
        const queue = yield* Queue.make<WatchEvent, KubernetesError | Cause.Done>()
        // Subscribed in the same moment as the past was read would lose nothing; what came on the way back is added.
        const since = past.at(-1)?.version ?? Number(o.resourceVersion)
        const watcher: Watcher = {
          offer: (event) => {
            Queue.offerUnsafe(queue, event)
          },
          end: () => {
            Queue.endUnsafe(queue)
          },
          fail: (reason) => {
            Queue.failCauseUnsafe(queue, Cause.fail(named(`watch ${resource.plural}`)(reason)))
          }
        }
        const carry = (yield* Carrier)(resource, watcher)
        const offer = (event: Event) => {
          const seen = seenBy(event, resource, o)
          if (seen !== undefined) carry(seen)
        }
        for (const event of past) offer(event)
        const missed = server.since(since)
        if (Result.isSuccess(missed)) for (const event of missed.success) offer(event)
        const { end } = watcher
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            watches.add(end)
            return server.subscribe(offer)
          }),
          (unsubscribe) =>
            Effect.sync(() => {
              watches.delete(end)
              unsubscribe()
            })
        )
        yield* Effect.sleep(bookmarkEvery).pipe(
          Effect.andThen(
            Effect.sync(() => carry({ type: "BOOKMARK", resourceVersion: String(server.currentVersion) }))
          ),
          Effect.forever,
          Effect.forkScoped
        )
        yield* Effect.sleep(Duration.seconds(o.timeoutSeconds)).pipe(
          Effect.andThen(Effect.sync(end)),
          Effect.forkScoped
        )
        o.onOpen?.()
        return Stream.fromQueue(queue)
      })
    )

  const review = (resource: Resource, object: Raw): Raw =>
    resource === tokenReviews
      ? { ...object, status: { authenticated: true, user: { username: "simulated" } } }
      : { ...object, status: { allowed: true } }

  const service: Service = {
    list: (resource, o) =>
      Effect.flatMap(Peculiarity, (peculiarity) =>
        request(`list ${resource.plural}`, () => list(resource, o, peculiarity))
      ),
    watch,
    get: (resource, ref) => request(`get ${resource.plural}/${ref.name}`, () => server.get(resource, ref)),
    create: (resource, object, namespace) =>
      resource === tokenReviews || resource === subjectAccessReviews
        ? request(`create ${resource.plural}`, () => Result.succeed(review(resource, object)))
        : write("create", resource, String(object.metadata.name ?? ""), undefined, () =>
            server.create(resource, object, namespace)
          ),
    patch: (resource, ref, patch, o) =>
      write("patch", resource, ref.name, o?.subresource, () =>
        server.patch(resource, ref, patch, o?.subresource)
      ),
    update: (resource, ref, object) =>
      write("update", resource, ref.name, undefined, () => server.update(resource, ref, object))
  }

  const cluster: Cluster["Service"] = {
    create: (resource, object) =>
      Effect.suspend(() =>
        answer(
          `create ${resource.plural}`,
          server.create(
            resource,
            // As kubectl fills them in from what it was asked to make.
            { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object },
            resource.isNamespaced ? String(object.metadata.namespace ?? "default") : undefined
          )
        )
      ),
    patch: (resource, ref, patch, subresource) =>
      Effect.suspend(() =>
        answer(`patch ${resource.plural}/${ref.name}`, server.patch(resource, ref, patch, subresource))
      ),
    remove: (resource, ref) =>
      Effect.suspend(() => answer(`delete ${resource.plural}/${ref.name}`, server.remove(resource, ref))),
    get: (resource, ref) => Result.getOrElse(server.get(resource, ref), () => undefined),
    all: (resource) => server.all(resource),
    writes,
    onChange: (listener) => {
      server.subscribe(listener)
    },
    closeWatches: () => {
      for (const end of [...watches]) end()
    },
    compact: () => {
      continuations.clear()
      server.compact()
    }
  }
  return { service, cluster }
})

export const layer = (options: Options): Layer.Layer<Kubernetes | Cluster> =>
  Layer.effectContext(
    Effect.map(make(options), ({ cluster, service }) =>
      Context.make(Kubernetes, service).pipe(Context.add(Cluster, cluster))
    )
  )
