/**
 * Which Node is new enough.
 */
import { assert, describe, it } from "@effect/vitest"
import manifest from "../../package.json" with { type: "json" }
import { complaintAbout } from "../../src/cli/NodeVersion.ts"

describe("NodeVersion", () => {
  for (const version of ["22.19.0", "22.20.1", "23.0.0", "24.21.0", "100.0.0"]) {
    it(`${version} will do`, () => assert.isUndefined(complaintAbout(version)))
  }
  for (const version of ["18.20.0", "20.20.2", "22.18.9", "22.9.0"]) {
    it(`${version} is told what is needed`, () => {
      const complaint = complaintAbout(version) ?? ""
      assert.include(complaint, "Node 22.19 or newer")
      assert.include(complaint, `this is Node ${version}`)
      assert.notInclude(complaint, "\n")
    })
  }
  it("is what the package asks for", () => assert.strictEqual(manifest.engines.node, ">=22.19"))
})
