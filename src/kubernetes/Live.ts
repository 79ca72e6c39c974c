/**
 * The Kubernetes service over the network.
 * Rule: one request per call (two after a 401); every answer becomes a value or one reason, every wait has an end.
 */
import type { IncomingMessage } from "node:http"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Duration, Effect, Layer, Schema, type Scope, Stream } from "effect"
import type { Fields } from "../domain/Fields.ts"
import type { Raw } from "../domain/Object.ts"
import type { Access } from "./Access.ts"
import * as Batches from "./Batches.ts"
import * as Connection from "./Connection.ts"
import {
  Kubernetes,
  type ListOptions,
  type ObjectRef,
  type Page,
  type PatchOptions,
  type Resource,
  type Service,
  type WatchOptions
} from "./Kubernetes.ts"
import { KubernetesError, type Reason, Unintelligible, Unreachable } from "./KubernetesError.ts"
import { ListReader } from "./ListReader.ts"
import * as Path from "./Path.ts"
import { reasonOfAnswer } from "./StatusCode.ts"
import * as WatchStream from "./WatchStream.ts"

export interface Options {
  /** From the start of a request to the last byte of its answer; watches are not bounded by it. */
  readonly requestTimeout: Duration.Duration
}

const RawObject = Schema.declare(WatchStream.isObject, { expected: "an object with metadata" })

const decodeObject = Schema.decodeUnknownOption(Schema.fromJsonString(RawObject))

const toUnreachable = (cause: unknown) => new Unreachable({ message: Connection.describe(cause) })

const textOf = (response: IncomingMessage): Effect.Effect<string, Unreachable> =>
  NodeStream.toString(() => response, { onError: toUnreachable })

const isSuccess = (response: IncomingMessage): boolean => {
  const code = response.statusCode ?? 0
  return code >= 200 && code <= 299
}

const failAsAnswered = Effect.fnUntraced(function* (response: IncomingMessage) {
  const body = yield* textOf(response)
  return yield* Effect.fail(
    reasonOfAnswer({ code: response.statusCode ?? 0, body, retryAfter: response.headers["retry-after"] })
  )
})

const readObject = (response: IncomingMessage): Effect.Effect<Raw, Reason> =>
  Effect.flatMap(textOf(response), (body) =>
    Effect.mapError(
      Effect.fromOption(decodeObject(body)),
      () => new Unintelligible({ message: `the answer is not what the API promises: ${body.slice(0, 120)}` })
    )
  )

/** While it comes in. When the surrounding scope closes before its end, the response is destroyed and this with it. */
const readPage = (fields: Fields | undefined) => (response: IncomingMessage) =>
  Effect.tryPromise({
    try: async () => {
      const reader = new ListReader(fields)
      for await (const chunk of response) reader.push(chunk)
      return reader.end()
    },
    catch: (cause): Reason =>
      cause instanceof SyntaxError ? new Unintelligible({ message: cause.message }) : toUnreachable(cause)
  })

/** "patch externalips/a/status", "list pods": how a call is named in errors, spans and logs. */
const nameOf = (verb: string, r: Resource, ref?: Partial<ObjectRef>, subresource?: string): string =>
  `${verb} ${[r.plural, ref?.namespace, ref?.name, subresource].filter((part) => part !== undefined).join("/")}`

export const make = Effect.fn("Kubernetes.connect")(function* (
  options: Options
): Effect.fn.Return<Service, never, Access | Scope.Scope> {
  const connection = yield* Connection.make
  const { requestTimeout } = options

  const bounded = <A>(effect: Effect.Effect<A, Reason>): Effect.Effect<A, Reason> =>
    Effect.timeoutOrElse(effect, {
      duration: requestTimeout,
      orElse: () =>
        Effect.fail(new Unreachable({ message: `no answer within ${Duration.format(requestTimeout)}` }))
    })

  const named = (operation: string) =>
    Effect.mapError((reason: Reason) => new KubernetesError({ operation, reason }))

  /** `read` takes the body of an answer that says success. */
  const call = <A>(
    operation: string,
    request: Connection.Request,
    read: (response: IncomingMessage) => Effect.Effect<A, Reason>
  ): Effect.Effect<A, KubernetesError> =>
    Effect.scoped(
      Effect.flatMap(connection.send(request), (response) =>
        isSuccess(response) ? read(response) : failAsAnswered(response)
      )
    ).pipe(
      bounded,
      named(operation),
      Effect.withSpan(`Kubernetes.${request.method}`, { attributes: { operation } })
    )

  const write = (
    operation: string,
    method: "POST" | "PATCH" | "PUT",
    path: string,
    body: unknown
  ): Effect.Effect<Raw, KubernetesError> =>
    call(
      operation,
      {
        method,
        path,
        contentType: method === "PATCH" ? "application/merge-patch+json" : "application/json",
        body: JSON.stringify(body)
      },
      readObject
    )

  const list = (r: Resource, o: ListOptions): Effect.Effect<Page, KubernetesError> =>
    call(nameOf("list", r, o), { method: "GET", path: Path.list(r, o) }, readPage(o.fields))

  const watch = (r: Resource, o: WatchOptions) =>
    connection.send({ method: "GET", path: Path.watch(r, o), isWatch: true }).pipe(
      Effect.flatMap(
        (response): Effect.Effect<Stream.Stream<Uint8Array, Reason>, Reason> =>
          isSuccess(response)
            ? Effect.sync(() => {
                o.onOpen?.()
                return Batches.fromResponse(response, toUnreachable)
              })
            : bounded(failAsAnswered(response))
      ),
      Stream.unwrap,
      (bytes) => WatchStream.events(bytes, o.fields),
      Stream.mapError((reason) => new KubernetesError({ operation: nameOf("watch", r, o), reason }))
    )

  return Kubernetes.of({
    list,
    watch,
    get: (r, ref) => call(nameOf("get", r, ref), { method: "GET", path: Path.object(r, ref) }, readObject),
    create: (r, object, namespace) => {
      const name = object.metadata.name
      const ref = typeof name === "string" ? { name } : {}
      const where = namespace === undefined ? ref : { ...ref, namespace }
      return write(nameOf("create", r, where), "POST", Path.collection(r, namespace), object)
    },
    patch: (r, ref, patch, { subresource }: PatchOptions = {}) =>
      write(nameOf("patch", r, ref, subresource), "PATCH", Path.object(r, ref, subresource), patch),
    update: (r, ref, object) => write(nameOf("update", r, ref), "PUT", Path.object(r, ref), object)
  })
})

/** Long enough for a page of 500 objects from a busy server. */
const defaults: Options = { requestTimeout: Duration.seconds(10) }
/** A renewal that takes longer than this has failed: the next one still fits before the deadline. */
const forLeases: Options = { requestTimeout: Duration.seconds(3) }

export const layer: Layer.Layer<Kubernetes, never, Access> = Layer.effect(Kubernetes, make(defaults))

/** A connection of its own, so that no burst of other requests delays a renewal. */
export const layerLeases: Layer.Layer<Kubernetes, never, Access> = Layer.effect(Kubernetes, make(forLeases))
