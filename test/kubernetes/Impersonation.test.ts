/** Whom we act as, as it arrives at the API server. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Access } from "../../src/kubernetes/Access.ts"
import * as Connection from "../../src/kubernetes/Connection.ts"
import * as Impersonation from "../../src/kubernetes/Impersonation.ts"
import * as ApiServer from "./ApiServer.ts"

const arrived = Effect.fnUntraced(function* (o: Impersonation.Impersonation) {
  let headers: NodeJS.Dict<Array<string>> = {}
  const { server, url } = yield* ApiServer.start((_, response) => ApiServer.json(response, 200, {}))
  server.on("request", (request) => {
    headers = request.headersDistinct
  })
  const credentials = Impersonation.add({ headers: { authorization: "Bearer secret" }, tls: {} }, o)
  const access = Access.of({
    server: url,
    namespace: undefined,
    credentials: Effect.succeed(credentials),
    renewed: () => Effect.succeed(credentials)
  })
  const connection = yield* Effect.provideService(Connection.make, Access, access)
  const response = yield* connection.send({ method: "GET", path: "/" })
  response.resume()
  const told = Object.entries(headers).filter(([name]) => name.startsWith("impersonate-"))
  assert.deepStrictEqual(headers.authorization, ["Bearer secret"])
  return Object.fromEntries(told.map(([name, values]) => [name, values?.map(utf8)]))
})

/** As Go reads it. */
const utf8 = (value: string) => Buffer.from(value, "latin1").toString()

describe("impersonation", () => {
  it.effect("tells each group and each value in a header of its own, with keys that a header may have", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* arrived({
          as: "Zoé",
          "as-uid": "7",
          "as-groups": ["system:masters", "a, b", "équipe"],
          "as-user-extra": { "Acme.com/é%": ["one", "two"], K: ["1"], k: ["2"], none: null }
        }),
        {
          "impersonate-user": ["Zoé"],
          "impersonate-uid": ["7"],
          "impersonate-group": ["system:masters", "a, b", "équipe"],
          "impersonate-extra-acme.com%2f%c3%a9%25": ["one", "two"],
          "impersonate-extra-k": ["1", "2"]
        }
      )
    })
  )

  it.effect("tells nothing where nobody is named", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* arrived({}), {})
      assert.deepStrictEqual(yield* arrived({ as: "you", "as-groups": null }), {
        "impersonate-user": ["you"]
      })
    })
  )

  it.each<readonly [string | undefined, Impersonation.Impersonation]>([
    ["as-uid", { "as-uid": "7" }],
    ["as-groups", { as: "", "as-groups": ["a"] }],
    ["as-user-extra", { "as-user-extra": { k: ["v"] } }],
    [undefined, { "as-uid": null, "as-groups": [], "as-user-extra": {} }],
    [undefined, { as: "you", "as-uid": "7" }]
  ])("finds %s said of nobody", (field, o) => {
    assert.strictEqual(Impersonation.withoutName(o), field)
  })
})
