/** What a process may take for closed that the one before it has opened. */
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import * as Permission from "../../../src/domain/Permission.ts"
import { visibilityWindow } from "../../../src/ec2/Inventory.ts"
import * as Handover from "../../../src/operator/firewallrule/Handover.ts"
import { firewallRule, t0 } from "../Fixtures.ts"

const window = Duration.toMillis(visibilityWindow)
const nothing = () => false
const everything = () => true

describe("a rule that is met with its finalizer", () => {
  it("is in doubt for the visibility window, counted from the first look", () => {
    const handover = Handover.make()
    assert.strictEqual(handover.doubtedUntil(firewallRule("r"), nothing, t0), t0 + window)
    assert.strictEqual(handover.doubtedUntil(firewallRule("r"), nothing, t0 + 5_000), t0 + window)
  })
  it("is in doubt no more once all of it was shown", () => {
    const handover = Handover.make()
    const rule = firewallRule("r", { ipRanges: [{ cidr: "10.0.0.0/8" }, { cidr: "192.0.2.0/24" }] })
    const [first] = rule.permissions.map(Permission.key)
    assert.strictEqual(
      handover.doubtedUntil(rule, (key) => key === first, t0),
      t0 + window
    )
    assert.strictEqual(handover.doubtedUntil(rule, everything, t0), 0)
    assert.strictEqual(handover.doubtedUntil(rule, nothing, t0 + 1), 0)
  })
  it("stays in doubt where nobody can read what it may have opened", () => {
    const rule = firewallRule("r", { protocol: "nonsense" })
    assert.strictEqual(Handover.make().doubtedUntil(rule, everything, t0), t0 + window)
  })
  it("is met anew when it was made again under its name", () => {
    const handover = Handover.make()
    const named = (uid: string) => {
      const rule = firewallRule("r")
      return { ...rule, metadata: { ...rule.metadata, uid } }
    }
    handover.doubtedUntil(named("one"), everything, t0)
    assert.strictEqual(handover.doubtedUntil(named("two"), nothing, t0 + 1), t0 + 1 + window)
    handover.forget("r")
    assert.strictEqual(handover.doubtedUntil(named("two"), nothing, t0 + 2), t0 + 2 + window)
  })
})

describe("a rule that is met before its finalizer is there", () => {
  it("was opened by nobody, and what is opened from here on is known", () => {
    const handover = Handover.make()
    assert.strictEqual(handover.doubtedUntil(firewallRule("r", {}, { finalizers: [] }), nothing, t0), 0)
    assert.strictEqual(handover.doubtedUntil(firewallRule("r"), nothing, t0 + 1), 0)
  })
})
