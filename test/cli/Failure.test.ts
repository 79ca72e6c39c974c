/**
 * An operator that cannot go on, as its pod's log shows it.
 */
import { execFile } from "node:child_process"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const program = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

/** A port of the loopback interface on which somebody else listens. */
const takenPort = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      if (address === null || typeof address === "string") throw new Error("a server listens on a port")
      resume(Effect.succeed({ port: address.port, close: () => server.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const run = (...args: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resume) => {
    execFile(process.execPath, [program, ...args], { env: {} }, (error, stdout, stderr) =>
      resume(Effect.succeed({ code: error === null ? 0 : error.code, stdout, stderr }))
    )
  })

describe("a failure that ends the operator", () => {
  it.effect(
    "is the last entry of the log, in the log's format, and the exit code 1",
    () =>
      Effect.gen(function* () {
        const { port } = yield* takenPort
        const { code, stderr, stdout } = yield* run(
          "--cloud-provider=simulated",
          `--health-probe-bind-address=127.0.0.1:${port}`
        )
        assert.strictEqual(code, 1)
        assert.strictEqual(stdout, "")
        const entries = stderr
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as Readonly<Record<string, string>>)
        const last = entries.at(-1)
        assert.strictEqual(last?.level, "error")
        assert.match(last?.msg ?? "", /--health-probe-bind-address/)
      }).pipe(Effect.scoped),
    60_000
  )
})
