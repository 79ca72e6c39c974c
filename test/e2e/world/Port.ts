/**
 * Ports of the loopback interface that nothing listens on.
 * Rule: no two suites are given the same one, however late they bind it: each worker has a range of its own, below
 * the range from which the system takes ports of its own accord.
 */
import { createServer } from "node:net"
import { Effect } from "effect"

const first = 20_000
const perWorker = 1_500

const isFree = (port: number): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const server = createServer()
    server.on("error", () => resume(Effect.succeed(false)))
    server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.succeed(true))))
  })

// Vitest numbers its workers from 1; the same number is never in use twice at a time.
const worker = Number(process.env.VITEST_POOL_ID ?? "0")
// Files that run one after the other in one worker begin at different places: what the last one left is still ending.
let next = Math.floor((performance.timeOrigin + performance.now()) * 7) % perWorker

export const free: Effect.Effect<number> = Effect.gen(function* () {
  for (;;) {
    next = (next + 1) % perWorker
    const port = first + (worker % 8) * perWorker + next
    if (yield* isFree(port)) return port
  }
})
