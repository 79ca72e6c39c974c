/**
 * The Kubernetes service as the operator gets it: writes pass only while this process leads.
 * Rule: the lease is checked right before a write is sent; a write that was sent is never interrupted and is over,
 * one way or another, before the lease can be somebody else's.
 */
import { Context, Duration, Effect, Layer } from "effect"
import {
  Kubernetes,
  leases,
  type Resource,
  type Service,
  subjectAccessReviews,
  tokenReviews
} from "./Kubernetes.ts"
import { DryRun, KubernetesError, NotLeader, type Reason, Unreachable } from "./KubernetesError.ts"
import { Leadership } from "./Leadership.ts"

/** Shorter than the gap between our last moment as leader and the first of another (5 s). */
export const writeTimeout = Duration.seconds(4)

export type Verb = "create" | "patch" | "update"

export interface WriteCount {
  readonly verb: Verb
  readonly kind: string
  readonly count: number
}

/** How many writes were sent, whatever became of them. */
export class Writes extends Context.Service<
  Writes,
  { readonly counts: Effect.Effect<ReadonlyArray<WriteCount>> }
>()("kubestatic/kubernetes/Writes") {}

/** These change nothing that a leader owns: the lease decides who leads, a review only asks. */
const exempt: ReadonlySet<Resource> = new Set([leases, tokenReviews, subjectAccessReviews])

export interface Options {
  readonly mayWrite: Effect.Effect<boolean>
  readonly dryRun: boolean
}

export interface Guarded {
  readonly service: Service
  readonly writes: Writes["Service"]
}

export const guard = (kubernetes: Service, options: Options): Guarded => {
  const counts = new Map<string, WriteCount>()

  const count = (verb: Verb, { kind }: Resource) => {
    const key = `${verb} ${kind}`
    counts.set(key, { verb, kind, count: (counts.get(key)?.count ?? 0) + 1 })
  }

  const write = <A>(
    verb: Verb,
    resource: Resource,
    name: string,
    body: unknown,
    send: Effect.Effect<A, KubernetesError>
  ): Effect.Effect<A, KubernetesError> => {
    if (exempt.has(resource)) return send
    const operation = `${verb} ${resource.plural}/${name}`
    const refuse = (reason: Reason) => Effect.fail(new KubernetesError({ operation, reason }))
    return Effect.gen(function* () {
      if (!(yield* options.mayWrite)) {
        return yield* refuse(new NotLeader({ message: "not sent: this process does not lead" }))
      }
      if (options.dryRun) {
        yield* Effect.annotateLogs(Effect.logInfo(`dry-run: would ${operation}`), {
          body: JSON.stringify(body)
        })
        return yield* refuse(new DryRun({ message: "not sent: --dry-run" }))
      }
      count(verb, resource)
      return yield* Effect.timeoutOrElse(send, {
        duration: writeTimeout,
        orElse: () =>
          refuse(new Unreachable({ message: `no answer within ${Duration.format(writeTimeout)}` }))
      })
    }).pipe(Effect.uninterruptible)
  }

  const service: Service = {
    list: (resource, o) => kubernetes.list(resource, o),
    watch: (resource, o) => kubernetes.watch(resource, o),
    get: (resource, ref) => kubernetes.get(resource, ref),
    create: (resource, object, namespace) =>
      write(
        "create",
        resource,
        String(object.metadata.name ?? ""),
        object,
        kubernetes.create(resource, object, namespace)
      ),
    patch: (resource, ref, patch, o) =>
      write(
        "patch",
        resource,
        o?.subresource === undefined ? ref.name : `${ref.name}/${o.subresource}`,
        patch,
        kubernetes.patch(resource, ref, patch, o)
      ),
    update: (resource, ref, object) =>
      write("update", resource, ref.name, object, kubernetes.update(resource, ref, object))
  }
  return {
    service,
    writes: { counts: Effect.sync(() => [...counts.values()]) }
  }
}

/** Stands between the operator and the Kubernetes service it is given, under the same name. */
export const layer = (options: {
  readonly dryRun: boolean
}): Layer.Layer<Kubernetes | Writes, never, Kubernetes | Leadership> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { mayWrite } = yield* Leadership
      const guarded = guard(yield* Kubernetes, { mayWrite, dryRun: options.dryRun })
      return Context.make(Kubernetes, guarded.service).pipe(Context.add(Writes, guarded.writes))
    })
  )
