/** Every answer has one reason. */
import { assert, describe, it } from "@effect/vitest"
import type { Reason } from "../../src/kubernetes/KubernetesError.ts"
import { reasonOfAnswer, reasonOfEvent } from "../../src/kubernetes/StatusCode.ts"

const answer = (code: number, status: object | string = {}, retryAfter?: string) =>
  reasonOfAnswer({ code, body: typeof status === "string" ? status : JSON.stringify(status), retryAfter })

const table: ReadonlyArray<readonly [number, string | undefined, Reason["_tag"]]> = [
  [400, "BadRequest", "Invalid"],
  [401, "Unauthorized", "Forbidden"],
  [403, "Forbidden", "Forbidden"],
  [404, "NotFound", "NotFound"],
  [405, "MethodNotAllowed", "Unintelligible"],
  [409, "Conflict", "Conflict"],
  [409, "AlreadyExists", "AlreadyExists"],
  [409, undefined, "Conflict"],
  [410, "Expired", "Expired"],
  [410, "Gone", "Expired"],
  [413, undefined, "Unintelligible"],
  [415, "UnsupportedMediaType", "Unintelligible"],
  [422, "Invalid", "Invalid"],
  [429, "TooManyRequests", "TooManyRequests"],
  [500, "InternalError", "ServerFault"],
  [503, "ServiceUnavailable", "ServerFault"],
  [504, "Timeout", "ServerFault"],
  [302, undefined, "Unintelligible"]
]

describe("an answer", () => {
  it.each(table)("%i with reason %s is %s", (code, reason, tag) => {
    const got = answer(code, { kind: "Status", code, reason, message: "why", details: { name: "x" } })
    assert.strictEqual(got._tag, tag)
    assert.include(got.message, "why")
  })

  it("keeps the status code of a server fault", () => {
    assert.deepInclude(answer(503), { _tag: "ServerFault", status: 503 })
  })

  it("of a proxy is quoted in one short line", () => {
    const got = answer(502, `<html>\n  <h1>Bad Gateway</h1>\n${"x".repeat(5_000)}`)
    assert.strictEqual(got._tag, "ServerFault")
    assert.match(got.message, /^<html> <h1>Bad Gateway<\/h1> x+$/)
    assert.isAtMost(got.message.length, 300)
  })

  it("without a word is named by its code", () => {
    assert.strictEqual(answer(500, "").message, "HTTP 500")
  })

  const notFound = { kind: "Status", code: 404, reason: "NotFound", message: "not here" }
  it.each([
    ["a path that is not served", "not here\n"],
    ["a proxy", "<html>not here</html>"],
    ["a proxy with an API of its own", { type: "error", code: "NotFound", message: "not here" }],
    ["an API without the resource", { ...notFound, details: {} }],
    ["an API that says of nothing what it has not", notFound]
  ])("404 of %s says nothing of the object, and what may be missing", (_, body) => {
    const got = answer(404, body)
    assert.strictEqual(got._tag, "Unintelligible")
    assert.match(got.message, /not here.*\): is its CustomResourceDefinition installed\?$/)
  })
  it("404 of the API about an object says that there is none", () => {
    assert.deepInclude(answer(404, { ...notFound, details: { name: "x", kind: "nodes" } }), {
      _tag: "NotFound",
      message: "not here"
    })
  })

  it.each([
    ["the header", "5", { details: { retryAfterSeconds: 9 } }, 5_000],
    ["the details", undefined, { details: { retryAfterSeconds: 9 } }, 9_000],
    ["nothing", undefined, { details: null }, 1_000],
    ["a date", "Mon, 01 Jan 2024 00:00:00 GMT", {}, 1_000]
  ])("429 waits as %s says", (_, header, status, retryAfterMillis) => {
    assert.deepInclude(answer(429, status, header), { _tag: "TooManyRequests", retryAfterMillis })
  })
})

describe("an ERROR event", () => {
  it.each([
    [{ kind: "Status", code: 410, reason: "Expired", message: "old" }, "Expired"],
    [{ kind: "Status", code: 500, message: "etcd" }, "ServerFault"],
    [{ kind: "Status", code: 429, details: { retryAfterSeconds: 1 } }, "TooManyRequests"],
    [{ kind: "Status", message: "no code" }, "Unintelligible"],
    ["text", "Unintelligible"],
    [null, "Unintelligible"]
  ])("%j", (object, tag) => {
    assert.strictEqual(reasonOfEvent(object)._tag, tag)
  })
})
