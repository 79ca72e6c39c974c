/** The way through a proxy: what is rotated reaches it, and what it does not answer is given up. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import * as https from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as SelfSigned from "../../src/http/SelfSigned.ts"
import { Access } from "../../src/kubernetes/Access.ts"
import * as Kubeconfig from "../../src/kubernetes/Kubeconfig.ts"
import { nodes } from "../../src/kubernetes/Kubernetes.ts"
import * as Live from "../../src/kubernetes/Live.ts"
import * as ProxyAgent from "../../src/kubernetes/ProxyAgent.ts"
import * as Proxy from "./Proxy.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubestatic-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** An API server that knows one node, over TLS. */
const start = (keyPair: { readonly certificate: string; readonly key: string }) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: https.Server; readonly port: number }>((resume) => {
      const server = https.createServer({ cert: keyPair.certificate, key: keyPair.key }, (_, response) =>
        response.end(JSON.stringify({ kind: "Node", metadata: { name: "a", resourceVersion: "1" } }))
      )
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({ server, port: (server.address() as AddressInfo).port }))
      )
    }),
    ({ server }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

describe("through a proxy", () => {
  it.effect("a rotated CA is used within a minute", () =>
    Effect.gen(function* () {
      // Certificates are valid from now on, and TLS looks at the real clock.
      yield* TestClock.setTime(yield* TestClock.withLive(Clock.currentTimeMillis))
      const [first, second] = [yield* SelfSigned.make, yield* SelfSigned.make]
      const { server, port } = yield* start(first)
      const proxy = yield* Proxy.start({ answers: true })
      const directory = yield* folder
      const authority = join(directory, "ca.crt")
      writeFileSync(authority, first.certificate)
      const file = join(directory, "config")
      writeFileSync(
        file,
        JSON.stringify({
          "current-context": "here",
          contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
          clusters: [
            {
              name: "c",
              cluster: {
                server: `https://127.0.0.1:${port}`,
                "certificate-authority": authority,
                "proxy-url": proxy.url
              }
            }
          ],
          users: [{ name: "u", user: { token: "secret" } }]
        })
      )
      const kubernetes = yield* Live.make({ requestTimeout: Duration.seconds(10) }).pipe(
        Effect.provideService(Access, yield* Kubeconfig.access([file]))
      )
      yield* kubernetes.get(nodes, { name: "a" })
      server.setSecureContext({ cert: second.certificate, key: second.key })
      writeFileSync(authority, second.certificate)
      yield* TestClock.adjust("1 minute")
      yield* kubernetes.get(nodes, { name: "a" })
      assert.deepStrictEqual(proxy.asked, [`127.0.0.1:${port}`, `127.0.0.1:${port}`])
    })
  )

  it.effect("a CONNECT that is not answered is given up, though nobody waits for it any more", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.start({ answers: false })
      const cluster = {
        name: "c",
        server: "https://127.0.0.1:6443",
        skipTLSVerify: false,
        proxyUrl: proxy.url
      }
      const agent = yield* Effect.promise(() => ProxyAgent.make(cluster, {}, Duration.millis(50)))
      const request = https.request({ agent, host: "127.0.0.1", port: 6443 })
      request.on("error", () => undefined).end()
      yield* Effect.callback<void>((resume) => void proxy.server.once("connect", () => resume(Effect.void)))
      request.destroy()
      const [socket] = proxy.sockets
      assert.isDefined(socket)
      yield* Effect.callback<void>((resume) => void socket?.once("close", () => resume(Effect.void)))
    })
  )
})
