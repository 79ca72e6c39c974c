/**
 * Ports of the loopback interface that nothing listens on.
 * Rule: given out by the system; whoever is given one binds it soon.
 */
import { createServer } from "node:net"
import { Effect } from "effect"

export const free: Effect.Effect<number> = Effect.promise(
  () =>
    new Promise<number>((resolve, reject) => {
      const server = createServer()
      server.on("error", reject)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        server.close(() =>
          typeof address === "object" && address !== null
            ? resolve(address.port)
            : reject(new Error("a listening server has no port"))
        )
      })
    })
)
