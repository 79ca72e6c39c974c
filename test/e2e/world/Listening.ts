/**
 * A server of a test on the loopback interface.
 * Rule: it is as old as its scope, which ends its connections too; the system gives it a port that nobody else has.
 */
import type { AddressInfo, Server } from "node:net"
import { Effect, type Scope } from "effect"

/** The port. `end` is for what closing the server leaves open. */
export const listen = <S extends Server>(
  make: () => S,
  end: (server: S) => void
): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<S>((resume) => {
        const server = make()
        server.on("error", (error) => resume(Effect.die(error)))
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          end(server)
        })
    ),
    (server) => (server.address() as AddressInfo).port
  )
