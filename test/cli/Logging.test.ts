/**
 * Log entries as they are written: one JSON object a line, or text for people.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Redacted } from "effect"
import { written } from "./Written.ts"

const ts = "2023-11-14T22:13:20.123Z"

describe("Logging", () => {
  it.effect("an entry is one line of JSON with time, level, message and annotations", () =>
    Effect.gen(function* () {
      const lines = yield* written(
        "json",
        "info",
        Effect.logInfo("two\nlines", 3).pipe(Effect.annotateLogs({ kind: "Node", attempt: 2 }))
      )
      assert.lengthOf(lines, 1)
      assert.notInclude(lines[0], "\n")
      assert.deepStrictEqual(JSON.parse(lines[0] ?? ""), {
        ts,
        level: "info",
        msg: "two\nlines 3",
        kind: "Node",
        attempt: 2
      })
    })
  )

  it.effect("an annotation never overwrites the entry's own keys", () =>
    Effect.gen(function* () {
      const [line = ""] = yield* written(
        "json",
        "info",
        Effect.logInfo("here").pipe(Effect.annotateLogs({ ts: "x", level: "y", msg: "z", error: "e" }))
      )
      assert.deepStrictEqual(JSON.parse(line), {
        ts,
        level: "info",
        msg: "here",
        ts_: "x",
        level_: "y",
        msg_: "z",
        error_: "e"
      })
    })
  )

  it.effect("a cause is the error of its entry, and its message when there is no other", () =>
    Effect.gen(function* () {
      const lines = yield* written(
        "json",
        "info",
        Effect.gen(function* () {
          yield* Effect.logError("it failed", Cause.fail(new Error("no route")))
          yield* Effect.logError(Cause.fail(new Error("no route")))
        })
      )
      const [named, bare] = lines.map((line) => JSON.parse(line))
      assert.strictEqual(named.msg, "it failed")
      assert.include(named.error, "no route")
      assert.strictEqual(bare.msg, "Error: no route")
    })
  )

  it.effect("values that JSON cannot hold, and secrets, are written without harm", () =>
    Effect.gen(function* () {
      const circular: Record<string, unknown> = { n: 1n }
      circular.self = circular
      const [line = ""] = yield* written(
        "json",
        "info",
        Effect.logInfo("odd").pipe(Effect.annotateLogs({ circular, secret: Redacted.make("hunter2") }))
      )
      assert.strictEqual(JSON.parse(line).msg, "odd")
      assert.notInclude(line, "hunter2")
    })
  )

  it.effect("text is for people: one line, further lines indented", () =>
    Effect.gen(function* () {
      const lines = yield* written(
        "text",
        "info",
        Effect.gen(function* () {
          yield* Effect.logInfo("attached").pipe(Effect.annotateLogs({ node: "a", why: "it moved" }))
          yield* Effect.logWarning("two\nlines")
        })
      )
      assert.deepStrictEqual(lines, [
        `${ts} INFO  attached node=a why="it moved"`,
        `${ts} WARN  two\n  lines`
      ])
    })
  )

  const everyLevel = Effect.gen(function* () {
    yield* Effect.logTrace("trace")
    yield* Effect.logDebug("debug")
    yield* Effect.logInfo("info")
    yield* Effect.logWarning("warn")
    yield* Effect.logError("error")
    yield* Effect.logFatal("panic")
  })
  const all = ["debug", "info", "warn", "error", "panic"] as const
  for (const [i, level] of all.entries()) {
    it.effect(`at ${level} nothing less severe is written`, () =>
      Effect.gen(function* () {
        const lines = yield* written("json", level, everyLevel)
        assert.deepStrictEqual(
          lines.map((line) => JSON.parse(line).msg),
          all.slice(i)
        )
      })
    )
  }
})
