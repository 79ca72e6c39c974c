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

const closeBrace = 0x7d
/** Of its object and its own: as the API server writes it, without white space. */
const endsAsEvent = (line: Uint8Array): boolean => line.at(-1) === closeBrace && line.at(-2) === closeBrace

/** A line that came to its end as far as is needed: most of a Node is its status, which comes last and decides nothing. */
const read = (line: Uint8Array, fields: Fields, isEnded = false): unknown => {
  try {
    if (isEnded && endsAsEvent(line)) return new Scanner(line).readEnough(fields)
    const scanner = new Scanner(line)
    const value = scanner.read(fields)
    return scanner.at === line.length ? value : undefined
  } catch {
    return undefined
  }
}

/** One line of the body. `isEnded`: its end is known to have come with it. */
export const parse = (
  line: Uint8Array,
  fields?: Fields,
  isEnded?: boolean
): Result.Result<WatchEvent, Reason> => parseEvent(line, fieldsOfEvent(fields), isEnded)

const parseEvent = (
  line: Uint8Array,
  fields: Fields,
  isEnded?: boolean
): Result.Result<WatchEvent, Reason> => {
  const event = read(line, fields, isEnded)
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
/** Given instead of the end that a last line may lack. */
const atTheEnd = Uint8Array.of(newline)

/** A line that the bytes may end in the midst of: a Node's has some 20 kB. */
const usualLine = 64 * 1_024

/** Cuts bytes into lines; one that the bytes end in the midst of is kept until the rest comes. */
class Lines {
  private begun = Buffer.allocUnsafeSlow(0)
  private length = 0

  /** `each` is given a line to read at once: its bytes are used again. It stops where that is false. */
  take(chunk: Uint8Array, each: (line: Uint8Array) => boolean): void {
    let from = 0
    for (let to = chunk.indexOf(newline); to >= 0; to = chunk.indexOf(newline, from)) {
      const end = chunk.subarray(from, to)
      const line = this.length === 0 ? end : this.keep(end)
      this.length = 0
      from = to + 1
      if (!each(line)) return
    }
    if (from < chunk.length) this.keep(chunk.subarray(from))
  }

  /** What is kept, with this at its end. */
  private keep(part: Uint8Array): Uint8Array {
    const length = this.length + part.length
    if (length > this.begun.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(usualLine, 2 * length))
      this.begun.copy(larger, 0, 0, this.length)
      this.begun = larger
    }
    this.begun.set(part, this.length)
    this.length = length
    return this.begun.subarray(0, length)
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
    Stream.concat(Stream.succeed(atTheEnd))
  )
  return Stream.transformPull(whole, (pull) =>
    Effect.sync(() => {
      const lines = new Lines()
      let failure: Reason | undefined
      const parseAll = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<WatchEvent> => {
        const parsed: Array<WatchEvent> = []
        const each = (isEnded: boolean) => (line: Uint8Array) => {
          if (isBlank(line)) return true
          const event = parseEvent(line, ofEvent, isEnded)
          // What comes before a line that is no event is told.
          if (Result.isFailure(event)) failure = event.failure
          else parsed.push(event.success)
          return failure === undefined
        }
        for (const chunk of chunks) {
          if (failure === undefined) lines.take(chunk, each(chunk !== atTheEnd))
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
