/**
 * The exit code of every way the process can end.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Exit } from "effect"
import { teardown, teardownOf } from "../../src/cli/ExitCode.ts"
import { OptionsError } from "../../src/cli/OptionsError.ts"

const codeOf = (exit: Exit.Exit<unknown, unknown>, by = teardown): number => {
  const codes: Array<number> = []
  by(exit, (code) => codes.push(code))
  assert.lengthOf(codes, 1)
  return codes[0] ?? Number.NaN
}

describe("ExitCode", () => {
  it("a clean stop of the operator is 0, by itself or by a signal", () => {
    assert.strictEqual(codeOf(Exit.void), 0)
    assert.strictEqual(codeOf(Exit.interrupt(1)), 0)
  })
  it("a command that a signal cuts short says which one, as shells do", () => {
    const by = (signal: NodeJS.Signals) => teardownOf(() => signal)
    assert.strictEqual(codeOf(Exit.interrupt(1), by("SIGINT")), 130)
    assert.strictEqual(codeOf(Exit.interrupt(1), by("SIGTERM")), 143)
    assert.strictEqual(codeOf(Exit.succeed(1), by("SIGTERM")), 1)
    assert.strictEqual(codeOf(Exit.void, by("SIGTERM")), 0)
  })
  it("wrong usage is 2", () => {
    assert.strictEqual(codeOf(Exit.fail(new OptionsError({ message: "--x" }))), 2)
  })
  it("a failure or a defect is 1, also when it comes with an interruption", () => {
    assert.strictEqual(codeOf(Exit.fail("lost")), 1)
    assert.strictEqual(codeOf(Exit.die(new Error("broken"))), 1)
    assert.strictEqual(codeOf(Exit.failCause(Cause.combine(Cause.interrupt(1), Cause.fail("lost")))), 1)
  })
})
