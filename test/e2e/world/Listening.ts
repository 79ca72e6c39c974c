/**
 * An HTTP server of a test on the loopback interface.
 * Rule: it is as old as its scope; every connection ends with it.
 */
import type { Server } from "node:http"
import type { Server as SecureServer } from "node:https"
import { Effect, type Scope } from "effect"

export const listen = (
  make: () => Server | SecureServer,
  port: number
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.callback<Server | SecureServer>((resume) => {
        const server = make()
        server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    )
  )
