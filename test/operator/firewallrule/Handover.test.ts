/** What a process may take for closed that the one before it has opened. */
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { visibilityWindow } from "../../../src/ec2/Inventory.ts"
import * as Handover from "../../../src/operator/firewallrule/Handover.ts"
import { t0 } from "../Fixtures.ts"

const window = Duration.toMillis(visibilityWindow)
const rule = { name: "r", uid: "uid-r" }
const [no, yes] = [() => false, () => true]

describe("a rule that is met", () => {
  it("is in doubt for the visibility window, counted from the first look", () => {
    const handover = Handover.make()
    assert.strictEqual(handover.doubtedUntil(rule, no, t0), t0 + window)
    assert.strictEqual(handover.doubtedUntil(rule, no, t0 + 5_000), t0 + window)
  })
  it("is known where it is proven at the first look, and no later proof counts", () => {
    const never = () => assert.fail("asked again")
    const handover = Handover.make()
    assert.strictEqual(handover.doubtedUntil(rule, yes, t0), 0)
    assert.strictEqual(handover.doubtedUntil(rule, never, t0 + 1), 0)
    const other = { name: "s", uid: "uid-s" }
    handover.doubtedUntil(other, no, t0)
    assert.strictEqual(handover.doubtedUntil(other, never, t0 + 1), t0 + window)
  })
  it("is known from the first write on where that was this process's own", () => {
    const handover = Handover.make()
    handover.doubtedUntil(rule, no, t0)
    handover.began(rule)
    assert.strictEqual(handover.doubtedUntil(rule, no, t0 + 1), 0)
  })
  it("is met anew when it was made again under its name, and when it was forgotten", () => {
    const handover = Handover.make()
    handover.doubtedUntil({ ...rule, uid: "another" }, yes, t0)
    assert.strictEqual(handover.doubtedUntil(rule, no, t0 + 1), t0 + 1 + window)
    handover.forget("r")
    assert.strictEqual(handover.doubtedUntil(rule, no, t0 + 2), t0 + 2 + window)
  })
})
