/**
 * Which command a command line asks for.
 */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type Command, parseCommand } from "../../src/cli/CommandLine.ts"

describe("CommandLine", () => {
  const table: ReadonlyArray<readonly [ReadonlyArray<string>, Command]> = [
    [[], { _tag: "Run", argv: [] }],
    [["--leader-elect"], { _tag: "Run", argv: ["--leader-elect"] }],
    [["--kubeconfig", "version"], { _tag: "Run", argv: ["--kubeconfig", "version"] }],
    [["simulate"], { _tag: "Simulate", argv: [] }],
    [["simulate", "--nodes", "2"], { _tag: "Simulate", argv: ["--nodes", "2"] }],
    [["version"], { _tag: "Version" }],
    [["--version"], { _tag: "Version" }],
    [["-version"], { _tag: "Version" }],
    [["--leader-elect", "--version"], { _tag: "Version" }],
    [["crds"], { _tag: "Crds" }],
    [["--help"], { _tag: "Help", of: "kubestatic" }],
    [["-h"], { _tag: "Help", of: "kubestatic" }],
    [["-help"], { _tag: "Help", of: "kubestatic" }],
    [["help"], { _tag: "Help", of: "kubestatic" }],
    [["--nonsense", "--help"], { _tag: "Help", of: "kubestatic" }],
    [["crds", "--help"], { _tag: "Help", of: "kubestatic" }],
    [["simulate", "--help"], { _tag: "Help", of: "simulate" }],
    [["help", "simulate"], { _tag: "Help", of: "simulate" }]
  ]
  for (const [argv, command] of table) {
    it(`"${argv.join(" ")}" asks for ${command._tag}`, () => {
      assert.deepStrictEqual(Result.getOrThrow(parseCommand(argv)), command)
    })
  }

  it("refuses a command it does not know, with the one that was meant", () => {
    const message = (argv: ReadonlyArray<string>) =>
      Result.match(parseCommand(argv), { onSuccess: () => "accepted", onFailure: (e) => e.message })
    assert.strictEqual(
      message(["simulat"]),
      'unknown command "simulat", did you mean simulate? (see kubestatic --help)'
    )
    assert.include(message(["frobnicate"]), 'unknown command "frobnicate"')
    assert.strictEqual(message(["version", "now"]), 'version takes nothing, not "now"')
    assert.strictEqual(message(["crds", "--x"]), 'crds takes nothing, not "--x"')
  })
})
