/**
 * Requests made of one API server, and its answers and watch events, normalised.
 * Rule: it begins and ends without an object of the kinds that were asked about, so one server serves many sequences.
 */
import { Effect, Fiber, type Scope, Stream } from "effect"
import type { Raw } from "../../../src/domain/Object.ts"
import {
  apiVersionOf,
  type ObjectRef,
  type Resource,
  type Service,
  type WatchEvent
} from "../../../src/kubernetes/Kubernetes.ts"
import type { KubernetesError } from "../../../src/kubernetes/KubernetesError.ts"
import * as MergePatch from "../../../src/simulation/MergePatch.ts"
import type { Line, Transcript } from "./Conformance.ts"
import * as Memory from "./KubernetesMemory.ts"
import * as Objects from "./KubernetesObjects.ts"
import { described, type Kind, namespaceOf, type Request, resources } from "./KubernetesRequest.ts"
import * as Normalised from "./Normalised.ts"

export interface Server {
  readonly service: Service
  /** Without a grace period. */
  readonly remove: (resource: Resource, ref: ObjectRef) => Effect.Effect<unknown, KubernetesError>
}

const inNamespace = (kind: Kind) => {
  const namespace = namespaceOf(kind)
  return namespace === undefined ? {} : { namespace }
}
const refOf = ({ kind, name }: { readonly kind: Kind; readonly name: string }): ObjectRef => ({
  name,
  ...inNamespace(kind)
})

type Watching = Extract<Request, { readonly verb: "watch" }> & {
  readonly fiber: Fiber.Fiber<ReadonlyArray<WatchEvent>, KubernetesError>
  readonly marker: Raw
}

/** The answer to a request, or the tag of the reason for a refusal. */
const answerTo = <A, B>(
  call: Effect.Effect<A, KubernetesError>,
  answer: (a: A) => B
): Effect.Effect<B | { readonly refused: string }> =>
  Effect.match(call, {
    onSuccess: answer,
    onFailure: ({ reason }) => ({ refused: reason._tag })
  })

const empty = Effect.fnUntraced(function* ({ remove, service }: Server, kind: Kind) {
  const resource = resources[kind]
  const { items } = yield* service.list(resource, inNamespace(kind))
  for (const { metadata } of items) {
    const ref = refOf({ kind, name: String(metadata.name) })
    if (metadata.finalizers !== undefined) {
      yield* service.patch(resource, ref, { metadata: { finalizers: null } })
    }
    // It is gone already where the last finalizer was all that kept it.
    const isGone = metadata.finalizers !== undefined && metadata.deletionTimestamp !== undefined
    if (!isGone) yield* remove(resource, ref)
  }
})

const make = Effect.fnUntraced(function* (server: Server) {
  const { remove, service } = server
  const memory = Memory.make()
  const { normalised } = Normalised.make()
  const watches: Array<Watching> = []

  const remembered = (kind: Kind) => (object: Raw) => {
    memory.remember(kind, object)
    return normalised(kind, object)
  }

  const page = (kind: Kind, list: Memory.OpenList | undefined) =>
    list === undefined
      ? Effect.succeed("no page is left")
      : answerTo(
          service.list(resources[kind], {
            ...inNamespace(kind),
            ...list.selection,
            ...(list.limit === undefined ? {} : { limit: list.limit }),
            ...(list.continue === undefined ? {} : { continue: list.continue })
          }),
          (answer) => {
            memory.open(kind, { ...list, continue: answer.continue, resourceVersion: answer.resourceVersion })
            const before = list.resourceVersion
            return {
              items: answer.items.map(remembered(kind)),
              hasMore: answer.continue !== undefined,
              isOfOneMoment: before === undefined || before === answer.resourceVersion
            }
          }
        )

  const watch = Effect.fnUntraced(function* (request: Extract<Request, { readonly verb: "watch" }>) {
    const { kind, selection } = request
    const resource = resources[kind]
    const marker = Objects.marker(kind, selection, String(watches.length + 1))
    const { resourceVersion } = yield* service.list(resource, { ...inNamespace(kind), limit: 1 })
    const fiber = yield* service
      .watch(resource, { ...inNamespace(kind), ...selection, resourceVersion, timeoutSeconds: 300 })
      .pipe(
        Stream.filter((event) => event.type !== "BOOKMARK"),
        Stream.takeUntil((event) => event.type === "ADDED" && Objects.isSameMarker(event.object, marker)),
        Stream.runCollect,
        Effect.forkScoped({ startImmediately: true })
      )
    watches.push({ ...request, fiber, marker })
    return "watching"
  })

  const answer = (r: Request): Effect.Effect<unknown, KubernetesError, Scope.Scope> => {
    const resource = resources[r.kind]
    switch (r.verb) {
      case "create":
        return answerTo(
          service.create(
            resource,
            {
              apiVersion: apiVersionOf(resource),
              kind: r.kind,
              ...r.object,
              metadata: { name: r.name, ...r.object.metadata }
            },
            namespaceOf(r.kind)
          ),
          remembered(r.kind)
        )
      case "get":
        return answerTo(service.get(resource, refOf(r)), remembered(r.kind))
      case "list":
        return page(r.kind, { selection: r.selection, limit: r.limit, ...Memory.fromTheStart })
      case "more":
        return page(r.kind, memory.rest(r.kind))
      case "update": {
        const seen = memory.newest(r.kind, r.name) ?? Objects.minimal(r.kind, r.name)
        // Of what is being deleted too: what a PUT says of that is not looked at.
        const {
          deletionGracePeriodSeconds: _,
          deletionTimestamp: __,
          resourceVersion: ___,
          uid: ____,
          ...metadata
        } = seen.metadata
        const changed = MergePatch.apply({ ...seen, metadata }, r.change) as Raw
        const body = { ...changed, metadata: { ...changed.metadata, ...memory.preconditions(r) } }
        return answerTo(service.update(resource, refOf(r), body), remembered(r.kind))
      }
      case "patch": {
        const { metadata = {} } = r.patch as { readonly metadata?: object }
        const preconditions = memory.preconditions(r)
        const patch =
          Object.keys(preconditions).length === 0
            ? r.patch
            : { ...r.patch, metadata: { ...metadata, ...preconditions } }
        const options = r.subresource === undefined ? {} : { subresource: r.subresource }
        return answerTo(service.patch(resource, refOf(r), patch, options), remembered(r.kind))
      }
      case "delete":
        // What a client is told of what it deleted differs from kind to kind, and the operator deletes nothing.
        return answerTo(remove(resource, refOf(r)), () => "deleted")
      case "watch":
        return watch(r)
    }
  }

  /** Makes an object that the watch sees, so that it has brought everything before that. */
  const eventsOf = Effect.fnUntraced(function* ({ fiber, kind, marker }: Watching) {
    yield* service.create(resources[kind], marker, namespaceOf(kind))
    const brought = yield* Fiber.join(fiber)
    yield* remove(resources[kind], refOf({ kind, name: String(marker.metadata.name) }))
    const seen = Normalised.make()
    return brought.flatMap((event) =>
      event.type === "BOOKMARK" ? [] : [{ type: event.type, object: seen.normalised(kind, event.object) }]
    )
  })
  return { answer, eventsOf, watches }
})

export const perform = (
  server: Server,
  sequence: ReadonlyArray<Request>
): Effect.Effect<Transcript, KubernetesError> =>
  Effect.gen(function* () {
    const { answer, eventsOf, watches } = yield* make(server)
    const kinds = new Set(sequence.map((r) => r.kind))
    // An API server that has just started writes Events of its own: its repair of cluster IPs, for one.
    for (const kind of kinds) yield* empty(server, kind)
    const lines: Array<Line> = []
    for (const request of sequence) {
      lines.push({ asked: described(request), about: request.kind, answer: yield* answer(request) })
    }
    for (const kind of kinds) yield* empty(server, kind)
    for (const watching of watches) {
      for (const event of yield* eventsOf(watching)) {
        lines.push({ asked: `brought by: ${described(watching)}`, about: watching.kind, answer: event })
      }
    }
    return lines
  }).pipe(Effect.scoped)
