/** What a group's actor says of its rules while it writes, and whom it tells. */
import { assert, describe, it } from "@effect/vitest"
import * as Reports from "../../src/operator/Reports.ts"
import { firewallRule } from "./Fixtures.ts"

const [a, b] = [firewallRule("a"), firewallRule("b")]
const applied = (rule: typeof a): readonly [string, Reports.RuleReport] => [
  rule.metadata.name,
  { uid: rule.metadata.uid, generation: rule.metadata.generation, outcome: { _tag: "Applied" } }
]
const report: Reports.Report = {
  nodeName: "n",
  groupId: "sg-1",
  instanceId: "i-1",
  networkInterfaceId: "eni-1",
  rules: new Map([applied(a)]),
  isExact: true
}
const outcomes = (r: Reports.Report | undefined) =>
  [...(r?.rules ?? [])].map(([name, { outcome }]) => `${name} ${outcome._tag}`)

describe("a run that is about to open something", () => {
  it("says that it counts in what no report lists, and leaves what was said of the others", () => {
    const begun = Reports.begin(report, "n", [a, b])
    assert.deepStrictEqual(outcomes(begun), ["a Applied", "b Begun"])
    assert.deepInclude(begun, { groupId: "sg-1", instanceId: "i-1", isExact: true })
  })
  it("says it of a first group too, which is nowhere yet", () => {
    const begun = Reports.begin(undefined, "n", [a])
    assert.deepStrictEqual(outcomes(begun), ["a Begun"])
    assert.deepInclude(begun, { nodeName: "n", groupId: undefined, isExact: false })
  })
  it("says nothing twice", () => {
    assert.isUndefined(Reports.begin(report, "n", [a]))
    assert.isUndefined(Reports.begin(Reports.begin(report, "n", [a, b]), "n", [b]))
  })
  it("counts in an object that was made anew under its name", () => {
    const anew = { ...a, metadata: { ...a.metadata, uid: "another" } }
    assert.deepStrictEqual(outcomes(Reports.begin(report, "n", [anew])), ["a Begun"])
  })
  it("tells the rule when it begins, and when it ends without it", () => {
    const begun = Reports.begin(report, "n", [a, b])
    if (begun === undefined) throw new Error("nothing is said")
    assert.deepStrictEqual(Reports.changedRules(report, begun), ["b"])
    assert.deepStrictEqual(Reports.changedRules(begun, report), ["b"])
  })
})
