/**
 * A proxy on a port of this machine that answers CONNECT, or does not.
 * Rule: it knows the sockets that it has open; it closes with the test's scope.
 */
import * as http from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { Effect } from "effect"

export const start = (o: { readonly answers: boolean }) =>
  Effect.acquireRelease(
    Effect.callback<{
      readonly server: http.Server
      readonly url: string
      readonly asked: Array<string>
      readonly sockets: Set<Socket>
    }>((resume) => {
      const asked: Array<string> = []
      const sockets = new Set<Socket>()
      const server = http.createServer()
      server.on("connection", (socket) => {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
      })
      server.on("connect", ({ url = "" }, client) => {
        asked.push(url)
        client.on("error", () => client.destroy())
        if (!o.answers) {
          // A socket tells of its end when it is read, and closes when both ends have been closed.
          client.resume().on("end", () => client.end())
          return
        }
        const { hostname, port } = new URL(`http://${url}`)
        const upstream = connect(Number(port), hostname, () => {
          client.write("HTTP/1.1 200 OK\r\n\r\n")
          upstream.pipe(client).pipe(upstream)
        })
        upstream.on("error", () => client.destroy())
        client.on("close", () => upstream.destroy())
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({ server, url: `http://127.0.0.1:${port}`, asked, sockets }))
      })
    }),
    ({ server, sockets }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  )
