/**
 * The body of a watch: bytes -> lines -> events.
 * Rule: whatever is not an event of the API ends the stream with a reason; nothing is skipped in silence.
 */
import { Duration, Effect, Predicate, Result, Stream } from "effect"
import type { Raw } from "../domain/Object.ts"
import type { WatchEvent } from "./Kubernetes.ts"
import { type Reason, Unintelligible, Unreachable } from "./KubernetesError.ts"
import { reasonOfEvent } from "./StatusCode.ts"

/** Bookmarks come about every 60 s (apiserver's watch cache): longer silence is a half-open connection. */
export const idleTimeout = Duration.seconds(90)

const excerptLength = 120
const unintelligible = (what: string, line: string) =>
  Result.fail(new Unintelligible({ message: `${what}: ${line.slice(0, excerptLength)}` }))

export const isObject = (value: unknown): value is Raw =>
  Predicate.isObject(value) && Predicate.isObject((value as { readonly metadata?: unknown }).metadata)

/** One line of the body. */
export const parse = (line: string): Result.Result<WatchEvent, Reason> => {
  let event: unknown
  try {
    event = JSON.parse(line)
  } catch {
    return unintelligible("not JSON", line)
  }
  if (!Predicate.hasProperty(event, "type") || !Predicate.hasProperty(event, "object")) {
    return unintelligible("not a watch event", line)
  }
  const { type, object } = event
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return isObject(object) ? Result.succeed({ type, object }) : unintelligible("no object", line)
    case "BOOKMARK":
      return isObject(object) && typeof object.metadata.resourceVersion === "string"
        ? Result.succeed({ type, resourceVersion: object.metadata.resourceVersion })
        : unintelligible("a bookmark without a version", line)
    case "ERROR":
      return Result.fail(reasonOfEvent(object))
    default:
      return unintelligible("an unknown type of event", line)
  }
}

/** Ends as the bytes end; fails with Unreachable after `idleTimeout` without a byte. */
export const events = <R>(
  bytes: Stream.Stream<Uint8Array, Reason, R>
): Stream.Stream<WatchEvent, Reason, R> =>
  bytes.pipe(
    Stream.timeoutOrElse({
      duration: idleTimeout,
      orElse: () =>
        Stream.fail(
          new Unreachable({ message: `the watch brought nothing for ${Duration.format(idleTimeout)}` })
        )
    }),
    Stream.decodeText(),
    Stream.splitLines,
    Stream.filter((line) => line !== ""),
    Stream.mapEffect((line) => Effect.fromResult(parse(line)))
  )
