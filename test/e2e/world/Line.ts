/**
 * The line between an operator and its API server, which can fail in the ways that lines fail.
 * Rule: bytes pass as they are (TLS stays from end to end), or not at all.
 */
import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { listen } from "./Listening.ts"

export interface Line {
  readonly port: number
  /** Every connection there is ends with a reset. New ones are welcome. */
  readonly reset: Effect.Effect<void>
  /** No byte passes on any connection, old or new, and none is closed: half-open, as after a cable is pulled. */
  readonly freeze: Effect.Effect<void>
  /** As a network that forgot its connections: those there are stay silent for ever, new ones work. */
  readonly forget: Effect.Effect<void>
  /** What was frozen flows again. */
  readonly thaw: Effect.Effect<void>
  /** Connections open now. */
  readonly connections: () => number
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
}

export const make = (target: number): Effect.Effect<Line, never, Scope.Scope> =>
  Effect.gen(function* () {
    const pairs = new Set<Pair>()
    const forgotten = new Set<Pair>()
    let isFrozen = false

    const halt = ({ far, near }: Pair): void => {
      near.pause()
      far.pause()
    }
    const flow = ({ far, near }: Pair): void => {
      near.resume()
      far.resume()
    }
    const accept = (near: Socket): void => {
      const far = connect(target, "127.0.0.1")
      const pair = { near, far }
      pairs.add(pair)
      const end = () => {
        pairs.delete(pair)
        // To the other side of a connection that was forgotten nothing comes, not even its end.
        if (forgotten.has(pair)) return
        near.destroy()
        far.destroy()
      }
      near.on("data", (bytes) => far.write(bytes))
      far.on("data", (bytes) => near.write(bytes))
      for (const socket of [near, far]) {
        socket.on("error", end)
        socket.on("close", end)
      }
      if (isFrozen) halt(pair)
    }

    const port = yield* listen(
      () => createServer(accept),
      () => {
        for (const { far, near } of [...pairs, ...forgotten]) {
          near.destroy()
          far.destroy()
        }
      }
    )
    return {
      port,
      reset: Effect.sync(() => {
        for (const { far, near } of pairs) {
          near.resetAndDestroy()
          far.destroy()
        }
      }),
      freeze: Effect.sync(() => {
        isFrozen = true
        for (const pair of pairs) halt(pair)
      }),
      forget: Effect.sync(() => {
        for (const pair of pairs) {
          halt(pair)
          forgotten.add(pair)
        }
      }),
      thaw: Effect.sync(() => {
        isFrozen = false
        for (const pair of pairs) if (!forgotten.has(pair)) flow(pair)
      }),
      connections: () => pairs.size
    }
  })
