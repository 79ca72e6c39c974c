/** The live client's connections, over a server that keeps them for ever. */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { Ec2 } from "../../src/ec2/Ec2.ts"
import * as Live from "../../src/ec2/Live.ts"
import { timeouts } from "../../src/ec2/SdkCall.ts"

const nothing =
  '<DescribeAddressesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><addressesSet/></DescribeAddressesResponse>'

const environment = { ...process.env }
beforeEach(() => {
  Object.assign(process.env, { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" })
})
afterEach(() => {
  process.env = { ...environment }
})

/** Each answer comes `latency` milliseconds after its request. */
const serving = async (
  latency: number,
  body: (sockets: ReadonlyArray<Socket>, closed: Promise<void>) => Call
) => {
  const server = createServer({ keepAliveTimeout: 0 }, (_, response) => {
    setTimeout(() => {
      response.writeHead(200, { "content-type": "text/xml" })
      response.end(nothing)
    }, latency)
  })
  const sockets: Array<Socket> = []
  const closed = new Promise<void>((resolve) => {
    server.on("connection", (socket) => {
      sockets.push(socket)
      socket.on("close", () => resolve())
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  process.env.AWS_ENDPOINT_URL_EC2 = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const layer = Live.layerWith({ ...timeouts, idle: Duration.millis(idle) })
    await Effect.runPromise(Effect.provide(body(sockets, closed), layer))
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

type Call = Effect.Effect<void, unknown, Ec2>
const idle = 200
const ask = Effect.flatMap(Ec2, (ec2) => ec2.describeAddresses({ tags: {} }))

describe("a connection to EC2", () => {
  it("serves one request after the other, and is closed by us once nothing is asked over it", () =>
    serving(0, (sockets, closed) =>
      Effect.gen(function* () {
        yield* ask
        yield* ask
        assert.strictEqual(sockets.length, 1)
        yield* Effect.promise(() => closed)
      })
    ))
  it("is not closed while an answer is awaited, however long that takes", () =>
    serving(2 * idle, (sockets) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* ask, [])
        assert.strictEqual(sockets.length, 1)
      })
    ))
})
