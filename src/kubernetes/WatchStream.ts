/**
 * The body of a watch: bytes -> lines -> events, each projected to the fields that are asked for.
 * Rule: whatever is not an event of the API ends the stream with a reason; nothing is skipped in silence.
 */
import { Array as Arr, Duration, Effect, Predicate, type Pull, Result, Stream } from "effect"
import type { Fields } from "../domain/Fields.ts"
import type { Raw } from "../domain/Object.ts"
import type { WatchEvent } from "./Kubernetes.ts"
import { type Reason, Unintelligible, Unreachable } from "./KubernetesError.ts"
import { Scanner } from "./ProjectedJson.ts"
import { reasonOfEvent } from "./StatusCode.ts"

/** Bookmarks come about every 60 s (apiserver's watch cache): longer silence is a half-open connection. */
export const idleTimeout = Duration.seconds(90)

const excerptLength = 120
const unintelligible = (what: string, line: Uint8Array) => {
  const excerpt = Buffer.from(line.subarray(0, excerptLength)).toString()
  return Result.fail(new Unintelligible({ message: `${what}: ${excerpt}` }))
}

export const isObject = (value: unknown): value is Raw =>
  Predicate.isObject(value) && Predicate.isObject((value as { readonly metadata?: unknown }).metadata)

/** Of an ERROR event, whose object is a Status. */
const wholeEvent: Fields = { type: true, object: true }

/** An event whose object is projected; whole without fields. */
const fieldsOfEvent = (fields: Fields | undefined): Fields =>
  fields === undefined ? wholeEvent : { type: true, object: fields }

const read = (line: Uint8Array, fields: Fields): unknown => {
  try {
    const scanner = new Scanner(line)
    const value = scanner.read(fields)
    return scanner.at === line.length ? value : undefined
  } catch {
    return undefined
  }
}

/** One line of the body. */
export const parse = (line: Uint8Array, fields?: Fields): Result.Result<WatchEvent, Reason> =>
  parseEvent(line, fieldsOfEvent(fields))

const parseEvent = (line: Uint8Array, fields: Fields): Result.Result<WatchEvent, Reason> => {
  const event = read(line, fields)
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
      return Result.fail(reasonOfEvent((read(line, wholeEvent) as { readonly object?: unknown }).object))
    default:
      return unintelligible("an unknown type of event", line)
  }
}

const newline = 0x0a

/** Cuts bytes into lines; one that the bytes end in the midst of is kept until the rest comes. */
class Lines {
  private begun: Array<Uint8Array> = []

  take(chunk: Uint8Array): ReadonlyArray<Uint8Array> {
    const lines: Array<Uint8Array> = []
    let from = 0
    for (let to = chunk.indexOf(newline); to >= 0; to = chunk.indexOf(newline, from)) {
      const end = chunk.subarray(from, to)
      lines.push(this.begun.length === 0 ? end : Buffer.concat([...this.begun, end]))
      this.begun = []
      from = to + 1
    }
    if (from < chunk.length) this.begun.push(chunk.subarray(from))
    return lines
  }
}

const isBlank = (line: Uint8Array): boolean => line.length === 0 || (line.length === 1 && line[0] === 0x0d)

/**
 * Ends as the bytes end; fails with Unreachable after `idleTimeout` without a byte. What came in together is one array:
 * whoever takes the events can tell.
 */
export const events = <R>(
  bytes: Stream.Stream<Uint8Array, Reason, R>,
  fields?: Fields
): Stream.Stream<WatchEvent, Reason, R> => {
  const ofEvent = fieldsOfEvent(fields)
  const whole = bytes.pipe(
    Stream.timeoutOrElse({
      duration: idleTimeout,
      orElse: () =>
        Stream.fail(
          new Unreachable({ message: `the watch brought nothing for ${Duration.format(idleTimeout)}` })
        )
    }),
    // A last line without its end is whole where the bytes end, and not where they break off.
    Stream.concat(Stream.succeed(Uint8Array.of(newline)))
  )
  return Stream.transformPull(whole, (pull) =>
    Effect.sync(() => {
      const lines = new Lines()
      let failure: Reason | undefined
      const parseAll = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<WatchEvent> => {
        const parsed: Array<WatchEvent> = []
        for (const line of chunks.flatMap((chunk) => lines.take(chunk))) {
          if (isBlank(line)) continue
          const event = parseEvent(line, ofEvent)
          // What comes before a line that is no event is told.
          if (Result.isFailure(event)) {
            failure = event.failure
            break
          }
          parsed.push(event.success)
        }
        return parsed
      }
      const read = Effect.map(pull, parseAll)
      const next: Pull.Pull<Arr.NonEmptyReadonlyArray<WatchEvent>, Reason> = Effect.suspend(() =>
        failure === undefined
          ? Effect.flatMap(read, (parsed) =>
              Arr.isReadonlyArrayNonEmpty(parsed) ? Effect.succeed(parsed) : next
            )
          : Effect.fail(failure)
      )
      return next
    })
  )
}
