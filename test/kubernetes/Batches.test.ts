/** A body that comes in while nobody asks for it: over a real connection, but where it counts what came together. */
import * as http from "node:http"
import { PassThrough } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Pull, Stream } from "effect"
import * as Batches from "../../src/kubernetes/Batches.ts"
import * as ApiServer from "./ApiServer.ts"

class Broken extends Error {}

/** The server's side of an answer that has begun, and what its client reads of it. */
const begin = Effect.gen(function* () {
  const begun = yield* Deferred.make<http.ServerResponse>()
  const server = yield* ApiServer.start((_, response) => {
    response.writeHead(200)
    response.flushHeaders()
    Deferred.doneUnsafe(begun, Exit.succeed(response))
  })
  const request = yield* Effect.acquireRelease(
    // A broken connection is told to the request as well.
    Effect.sync(() => http.get(server.url).on("error", () => undefined)),
    (request) => Effect.sync(() => request.destroy())
  )
  const response = yield* Effect.callback<http.IncomingMessage>((resume) => {
    request.on("response", (r) => resume(Effect.succeed(r)))
  })
  const sender = yield* Deferred.await(begun)
  const pull = yield* Stream.toPull(Batches.fromResponse(response, (cause) => new Broken(String(cause))))
  return {
    sender,
    /** Until the system has taken all of it. */
    send: (bytes: string) =>
      Effect.callback<void>((resume) => void sender.write(bytes, () => resume(Effect.void))),
    batch: Effect.map(pull, (chunks) => Buffer.concat([...chunks]).toString())
  }
})

describe("a body in batches", () => {
  it.effect("gives at once all that came while nobody asked", () =>
    Effect.gen(function* () {
      const body = new PassThrough()
      // What is read of an answer, and no more: what comes when is up to the test alone.
      const response = Object.assign(body, { socket: new PassThrough() }) as unknown as http.IncomingMessage
      const pull = yield* Stream.toPull(Batches.fromResponse(response, String))
      const batch = Effect.map(pull, (chunks) => Buffer.concat([...chunks]).toString())
      body.write("a")
      assert.strictEqual(yield* batch, "a")
      for (const part of ["b", "c", "d"]) body.write(part)
      assert.strictEqual(yield* batch, "bcd")
      const next = yield* Effect.forkChild(batch, { startImmediately: true })
      body.write("e")
      body.write("f")
      assert.strictEqual(yield* Fiber.join(next), "ef")
    })
  )

  it.effect("leaves in the network what nobody asks for, and has lost nothing when it is asked for", () =>
    Effect.gen(function* () {
      const { batch, send, sender } = yield* begin
      yield* send("first")
      yield* batch
      // More than the buffers of both ends together can hold.
      const size = 64 * 2 ** 20
      let isTaken = false
      sender.write(Buffer.alloc(size, "x"), () => {
        isTaken = true
      })
      for (let turn = 0; turn < 1_000; turn++)
        yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      assert.isFalse(isTaken)
      let [read, largest] = [0, 0]
      while (read < size) {
        const { length } = yield* batch
        read += length
        largest = Math.max(largest, length)
      }
      assert.deepStrictEqual([read, isTaken], [size, true])
      // So much is given at once, and what one more read of the socket brings at most.
      assert.isAtMost(largest, 2 * 64 * 1_024)
    })
  )

  it.effect("tells what had come before the end, and then the end", () =>
    Effect.gen(function* () {
      const { batch, sender } = yield* begin
      sender.end("last")
      assert.strictEqual(yield* batch, "last")
      assert.strictEqual(yield* Pull.catchDone(batch, () => Effect.succeed("the end")), "the end")
    })
  )

  it.effect("tells what had come before the connection broke, and then that it broke", () =>
    Effect.gen(function* () {
      const { batch, send, sender } = yield* begin
      yield* send("last")
      assert.strictEqual(yield* batch, "last")
      sender.socket?.resetAndDestroy()
      assert.instanceOf(yield* Effect.flip(batch), Broken)
    })
  )
})
