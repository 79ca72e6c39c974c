/** What of a group a write of unknown outcome can have changed. */
import { assert, describe, it } from "@effect/vitest"
import * as Group from "../../src/ec2/Group.ts"
import { firewallRule, group } from "../operator/Fixtures.ts"

const [kept] = firewallRule("kept", { fromPort: 80 }).permissions
const [touched] = firewallRule("touched", { fromPort: 81 }).permissions
const [others] = firewallRule("others", { fromPort: 82 }).permissions
assert(kept !== undefined && touched !== undefined && others !== undefined)

const believed = group("n", [kept, touched], { tagged: { a: "believed" } })
const read = group("n", [others], { tagged: { a: "read" } })

describe("after a write of unknown outcome", () => {
  it("rules that it named are as they are read, and the others as they are believed", () => {
    assert.deepStrictEqual(Group.withRulesOf([touched])(believed, read).permissions, [kept])
    const opened = group("n", [touched, others])
    assert.deepStrictEqual(Group.withRulesOf([touched])(group("n", [kept]), opened).permissions, [
      kept,
      touched
    ])
    assert.strictEqual(Group.withRulesOf([touched])(believed, read).tags, believed.tags)
  })
  it("of tags the tags are as they are read", () => {
    assert.deepStrictEqual(Group.withTagsOf(believed, read), { ...believed, tags: read.tags })
  })
  it("of a deletion all is as it is believed, if it is there", () => {
    assert.strictEqual(Group.unlessDeleted(believed), believed)
  })
})
