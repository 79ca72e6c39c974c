/**
 * What a program logs, as it is written.
 * Rule: whatever goes to standard output fails the test.
 */
import { assert } from "@effect/vitest"
import { Console, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Logging from "../../src/cli/Logging.ts"
import type { LogLevelName } from "../../src/cli/Value.ts"

/** Its lines on standard error, at 2023-11-14T22:13:20.123Z. */
export const written = Effect.fnUntraced(function* (
  logFormat: "json" | "text",
  logLevel: LogLevelName,
  effect: Effect.Effect<void>
) {
  const lines: Array<string> = []
  const console: Console.Console = {
    ...globalThis.console,
    log: () => assert.fail("standard output is not for logs"),
    error: (line: unknown) => lines.push(String(line))
  }
  yield* TestClock.setTime(1_700_000_000_123)
  yield* effect.pipe(
    Effect.provide(Logging.layer({ logFormat, logLevel })),
    Effect.provideService(Console.Console, console)
  )
  return lines
})
