/** The live client over a server that keeps connections for ever: what it holds open, and what it makes of answers. */
import { EventEmitter, once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { Ec2 } from "../../src/ec2/Ec2.ts"
import * as Live from "../../src/ec2/Live.ts"
import { timeouts } from "../../src/ec2/SdkCall.ts"
import * as World from "../World.ts"

const nothing =
  '<DescribeAddressesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><addressesSet/></DescribeAddressesResponse>'

const environment = { ...process.env }
beforeEach(() => {
  Object.assign(process.env, { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" })
})
afterEach(() => {
  process.env = { ...environment }
})

type Call = Effect.Effect<void, unknown, Ec2>
const ask = Effect.flatMap(Ec2, (ec2) => ec2.describeAddresses({ tags: {} }))

interface Endpoint {
  /** Of the connections that were opened, in that order: completes when it is closed, which the endpoint never does. */
  readonly closed: ReadonlyArray<Promise<void>>
  /** Of the requests: their first lines' targets. */
  readonly asked: ReadonlyArray<string | undefined>
  /** The n-th request, from 0, is answered when that completes; the others at once. */
  readonly hold: (n: number, until: Promise<void>) => void
  /** Completes when the n-th request is there. */
  readonly came: (n: number) => Promise<void>
}

const serving = async (
  idle: Duration.Duration,
  body: (endpoint: Endpoint) => Call,
  { answer = nothing, isProxy = false }: { readonly answer?: string; readonly isProxy?: boolean } = {}
) => {
  const closed: Array<Promise<void>> = []
  const held = new Map<number, Promise<void>>()
  const requests = new EventEmitter()
  let count = 0
  const asked: Array<string | undefined> = []
  const server = createServer({ keepAliveTimeout: 0 }, async ({ url }, response) => {
    const n = count++
    asked.push(url)
    requests.emit("came")
    await held.get(n)
    response.writeHead(200, { "content-type": "text/xml" })
    response.end(answer)
  })
  server.on("connection", (socket) => {
    closed.push(once(socket, "close").then(() => undefined))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.env.AWS_ENDPOINT_URL_EC2 = isProxy ? "http://ec2.invalid" : url
  // Where it is no proxy, nothing must come of one that is named.
  process.env.HTTP_PROXY = isProxy ? url : "http://proxy.invalid"
  const came = async (n: number): Promise<void> => {
    while (count <= n) await once(requests, "came")
  }
  try {
    const layer = Live.layerWith({ ...timeouts, idle })
    const endpoint = {
      asked,
      closed,
      hold: (n: number, until: Promise<void>) => void held.set(n, until),
      came
    }
    await Effect.runPromise(Effect.provide(body(endpoint), layer))
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

describe("a connection to EC2", () => {
  it("serves one request after the other", () =>
    serving(Duration.hours(1), ({ closed }) =>
      Effect.gen(function* () {
        yield* ask
        yield* ask
        assert.strictEqual(closed.length, 1)
      })
    ))

  const short = Duration.millis(100)

  it("is closed by us once nothing is asked over it", () =>
    serving(short, ({ closed }) =>
      Effect.andThen(
        ask,
        Effect.promise(() => Promise.all(closed))
      )
    ))

  it("is not closed while an answer is awaited, however long that takes", () =>
    serving(short, ({ came, closed, hold }) =>
      Effect.gen(function* () {
        const release = Promise.withResolvers<void>()
        hold(0, release.promise)
        const waiting = yield* Effect.forkChild(ask)
        yield* Effect.promise(() => came(0))
        // Over a connection of its own, asked later and closed for its idleness: the first has waited for longer.
        yield* ask
        yield* Effect.promise(() => closed[1] ?? Promise.reject(new Error("there is one connection only")))
        release.resolve()
        assert.deepStrictEqual(yield* Fiber.join(waiting), [])
        assert.strictEqual(closed.length, 2)
      })
    ))
})

describe("a proxy that the environment names", () => {
  it("is asked for EC2, and not for this machine", () =>
    serving(
      Duration.hours(1),
      ({ asked }) =>
        Effect.gen(function* () {
          yield* ask
          assert.deepStrictEqual(asked, ["http://ec2.invalid/"])
        }),
      { isProxy: true }
    ))
})

describe("a revocation", () => {
  const revoke = Effect.flatMap(Ec2, (ec2) =>
    ec2.revokeSecurityGroupRules({ groupId: "sg-1", direction: "Ingress", permissions: World.ssh })
  )
  const answer = (unknown: string) =>
    `<RevokeSecurityGroupIngressResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><return>true</return>${unknown}</RevokeSecurityGroupIngressResponse>`

  it("is done where the answer names nothing that was not revoked", () =>
    serving(Duration.hours(1), () => revoke, { answer: answer("<unknownIpPermissionSet/>") }))

  it("of what does not exist fails also where EC2 calls it a success, as in a default VPC", () =>
    serving(
      Duration.hours(1),
      () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(revoke)
          assert.strictEqual(
            error.message,
            "RevokeSecurityGroupIngress: InvalidPermission.NotFound: 1 of the rules do not exist"
          )
        }),
      {
        answer: answer(
          "<unknownIpPermissionSet><item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></unknownIpPermissionSet>"
        )
      }
    ))
})
