/**
 * What --help prints, against the table of flags.
 */
import { assert, describe, it } from "@effect/vitest"
import manifest from "../../package.json" with { type: "json" }
import { operatorHelp, simulateHelp } from "../../src/cli/Help.ts"
import { simulateFlags } from "../../src/cli/SimulateOptions.ts"
import { versionLine } from "../../src/cli/Version.ts"
import { flags } from "../../src/Options.ts"

describe("Help", () => {
  it("shows every flag, every alias and every default", () => {
    const plain = operatorHelp().replaceAll(/\s+/g, " ")
    for (const flag of Object.values(flags)) {
      for (const name of [flag.name, ...flag.aliases]) assert.include(plain, `--${name}`)
      assert.include(plain, `Takes ${flag.takes}.`)
      if (flag.fallback) assert.include(plain, `Default: ${flag.fallback}.`)
    }
    for (const command of ["simulate", "crds", "version"]) assert.include(plain, `kubestatic ${command}`)
  })

  it("shows the simulation's flags and the scenarios there are", () => {
    const plain = simulateHelp(["calm", "storm"]).replaceAll(/\s+/g, " ")
    for (const flag of Object.values(simulateFlags(["calm"]))) {
      assert.include(plain, flag.name.length === 1 ? ` -${flag.name}` : ` --${flag.name}`)
    }
    assert.include(plain, "Takes calm or storm.")
  })

  it("stays within 100 columns", () => {
    for (const line of [...operatorHelp().split("\n"), ...simulateHelp(["calm"]).split("\n")]) {
      assert.isAtMost(line.length, 100, line)
    }
  })

  it("names the version of the package", () => {
    assert.include(operatorHelp(), `kubestatic ${manifest.version}`)
    assert.strictEqual(versionLine("24.21.0"), `kubestatic ${manifest.version} (Node 24.21.0)`)
  })
})
