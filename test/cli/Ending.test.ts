/** The last entry of the operator's log: why it ended. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import * as Ending from "../../src/cli/Ending.ts"
import { ExitCode } from "../../src/cli/ExitCode.ts"
import { LeadershipLost } from "../../src/kubernetes/Leadership.ts"
import { written } from "./Written.ts"

const ts = "2023-11-14T22:13:20.123Z"
const lost = new LeadershipLost({ message: "the lease is held by another" })

/** How `program` ends, and what is logged of it. */
const endOf = Effect.fnUntraced(function* (program: Effect.Effect<never, unknown>) {
  let exit: Exit.Exit<unknown, unknown> = Exit.void
  const lines = yield* written(
    "json",
    "info",
    Effect.map(Effect.exit(Ending.logged(program)), (ended) => {
      exit = ended
    })
  )
  return { exit, entries: lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>) }
})

describe("the end of the operator", () => {
  it.effect("an expected failure is one entry with its message, and code 1", () =>
    Effect.gen(function* () {
      const { entries, exit } = yield* endOf(Effect.fail(lost))
      assert.deepStrictEqual(exit, Exit.succeed(ExitCode.failure))
      assert.deepStrictEqual(entries, [{ ts, level: "error", msg: "the lease is held by another" }])
    })
  )

  it.effect("a defect is one entry with its cause, also when something failed beside it", () =>
    Effect.gen(function* () {
      const defect = Cause.die(new Error("broken"))
      for (const cause of [defect, Cause.combine(Cause.fail(lost), defect)]) {
        const { entries, exit } = yield* endOf(Effect.failCause(cause))
        assert.deepStrictEqual(exit, Exit.succeed(ExitCode.failure))
        assert.lengthOf(entries, 1)
        assert.include(String(entries[0]?.error), "broken")
      }
    })
  )

  it.effect("a signal is no failure: it is said, and goes on as an interruption", () =>
    Effect.gen(function* () {
      const { entries, exit } = yield* endOf(Effect.interrupt)
      assert.isTrue(Exit.hasInterrupts(exit))
      assert.deepStrictEqual(entries, [{ ts, level: "info", msg: "Stopped" }])
    })
  )
})
