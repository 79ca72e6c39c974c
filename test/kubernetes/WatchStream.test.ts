/** Bytes become events whatever their cuts; anything else ends the stream with a reason. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema, Stream } from "effect"
import type { WatchEvent } from "../../src/kubernetes/Kubernetes.ts"
import { events, parse } from "../../src/kubernetes/WatchStream.ts"

describe("a line", () => {
  it.each([
    ["not JSON", '{"type":"ADDED"'],
    ["more than one value", '{"type":"ADDED","object":{"metadata":{}}}{}'],
    ["no event", "[]"],
    ["no event", '"ADDED"'],
    ["an event without an object", '{"type":"ADDED"}'],
    ["an object without metadata", '{"type":"MODIFIED","object":{}}'],
    ["a bookmark without a version", '{"type":"BOOKMARK","object":{"metadata":{}}}'],
    ["an unknown type", '{"type":"RENAMED","object":{"metadata":{}}}']
  ])("that is %s is unintelligible", (_, line) => {
    const parsed = parse(Buffer.from(line))
    assert.isTrue(Result.isFailure(parsed))
    if (Result.isFailure(parsed)) assert.strictEqual(parsed.failure._tag, "Unintelligible")
  })

  it("gives of its object what was asked for, and the whole Status of an error", () => {
    const fields = { metadata: { name: true, labels: { a: true } } } as const
    const event = (type: string, object: unknown) =>
      parse(Buffer.from(JSON.stringify({ type, object })), fields)
    assert.deepStrictEqual(
      event("MODIFIED", {
        kind: "Thing",
        metadata: { name: "n", labels: { a: "1", b: "2" }, uid: "u" },
        status: {}
      }),
      Result.succeed({ type: "MODIFIED", object: { metadata: { name: "n", labels: { a: "1" } } } })
    )
    const failed = event("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" })
    assert(Result.isFailure(failed))
    assert.strictEqual(failed.failure._tag, "Expired")
    assert.include(failed.failure.message, "too old")
  })

  it("that came to its end is read as far as is needed, and as an event of the API ends", () => {
    const fields = { metadata: { name: true } } as const
    const ended = (text: string) => parse(Buffer.from(text), fields, true)
    const head = '{"type":"MODIFIED","object":{"metadata":{"name":"n"}'
    const event = Result.succeed<WatchEvent>({ type: "MODIFIED", object: { metadata: { name: "n" } } })
    assert.deepStrictEqual(ended(`${head},"status":{"phase":"Running"}}}`), event)
    assert.deepStrictEqual(ended(`${head},"status":{} } }`), event)
    assert.isTrue(Result.isFailure(ended(`${head},"status":{"phase":"Run`)))
  })

  it("is quoted only at its beginning", () => {
    const parsed = parse(Buffer.from(`{"secret":"${"x".repeat(10_000)}"`))
    if (Result.isFailure(parsed)) assert.isAtMost(parsed.failure.message.length, 200)
    else assert.fail("it is not JSON")
  })
})

describe("a body", () => {
  const Told = Schema.Struct({ name: Schema.String, isBookmark: Schema.Boolean })

  it.effect.prop(
    "tells the same events however its bytes are cut",
    [Schema.Array(Told), Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })))],
    ([told, cuts]) =>
      Effect.gen(function* () {
        const expected = told.map(
          ({ name, isBookmark }): WatchEvent =>
            isBookmark
              ? { type: "BOOKMARK", resourceVersion: name }
              : { type: "ADDED", object: { metadata: { name } } }
        )
        const text = expected
          .map((event) =>
            event.type === "BOOKMARK"
              ? { type: event.type, object: { metadata: { resourceVersion: event.resourceVersion } } }
              : event
          )
          .map((event) => `${JSON.stringify(event)}\n`)
          .join("")
        let rest = Buffer.from(text)
        const chunks: Array<Uint8Array> = []
        for (const cut of cuts) {
          chunks.push(rest.subarray(0, cut))
          rest = rest.subarray(cut)
        }
        const bytes = Stream.fromIterable([...chunks, rest].filter((chunk) => chunk.length > 0))
        assert.deepStrictEqual([...(yield* Stream.runCollect(events(bytes)))], expected)
      })
  )

  it.effect("has no last event where it ends within one, behind all that was asked for", () =>
    Effect.gen(function* () {
      const line = '{"type":"ADDED","object":{"metadata":{"name":"n"},"spec":{"a":{"b":{}}}}}'
      for (let end = 1; end <= line.length; end++) {
        const bytes = Stream.succeed(Buffer.from(`${line}\n${line.slice(0, end)}`))
        const told: Array<string> = []
        const exit = yield* Effect.exit(
          Stream.runForEach(events(bytes, { metadata: { name: true } }), ({ type }) =>
            Effect.sync(() => told.push(type))
          )
        )
        assert.deepStrictEqual(
          [told.length, exit._tag],
          end === line.length ? [2, "Success"] : [1, "Failure"]
        )
      }
    })
  )
})
