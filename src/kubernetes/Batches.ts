/**
 * The body of an answer that lasts for minutes, read batch by batch.
 * Rule: a batch is what has come since the one before, and until it is asked for the socket is not read: who waits a
 * while between two is woken once for all that came meanwhile.
 */
import type { IncomingMessage } from "node:http"
import { Array as Arr, Cause, Effect, type Pull, Stream } from "effect"

type Batch = Arr.NonEmptyReadonlyArray<Uint8Array>
type Next<E> = Pull.Pull<Batch, E>

/** Bytes. With more than this a batch is given at once, whatever else there is: in time to tell what is late from much. */
const much = 64 * 1_024

const reader = <E>(response: IncomingMessage, toError: (cause: unknown) => E): Next<E> => {
  let chunks: Array<Uint8Array> = []
  let bytes = 0
  let end: Next<E> | undefined
  let asked: ((next: Next<E>) => void) | undefined
  let isDue = false

  const answer = (next: Next<E>): void => {
    const told = asked
    // Before: whoever is told may ask again at once.
    asked = undefined
    told?.(next)
  }
  const handOver = (): void => {
    if (asked === undefined) return
    if (Arr.isArrayNonEmpty(chunks)) {
      // At its end the connection is somebody else's already.
      if (end === undefined) {
        response.pause()
        response.socket.pause()
      }
      const batch = chunks
      chunks = []
      bytes = 0
      answer(Effect.succeed(batch))
    } else if (end !== undefined) answer(end)
  }
  /** Not at once: what is there to be read is read to its end before (the phase "check" follows "poll"). */
  const becomeDue = (): void => {
    if (isDue) return
    isDue = true
    setImmediate(() => {
      isDue = false
      handOver()
    })
  }
  const endWith = (how: Next<E>) => (): void => {
    end ??= how
    becomeDue()
  }
  response.pause()
  response.on("data", (chunk: Uint8Array) => {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= much) handOver()
    else becomeDue()
  })
  response.once("end", endWith(Cause.done()))
  response.on("error", (cause) => endWith(Effect.fail(toError(cause)))())
  response.once("close", () => endWith(Effect.fail(toError(new Error("the connection was closed"))))())

  return Effect.callback((resume) => {
    asked = resume
    if (chunks.length > 0 || end !== undefined) becomeDue()
    else {
      response.resume()
      response.socket.resume()
    }
    return Effect.sync(() => {
      asked = undefined
    })
  })
}

/** What had come before it broke off is told before that; ends as the answer does. */
export const fromResponse = <E>(
  response: IncomingMessage,
  toError: (cause: unknown) => E
): Stream.Stream<Uint8Array, E> => Stream.fromPull(Effect.sync(() => reader(response, toError)))
