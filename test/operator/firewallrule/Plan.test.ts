/** When a deleted rule may go: not before everything of it is closed, and known to be. */
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { find } from "../../../src/domain/Condition.ts"
import * as Plan from "../../../src/operator/firewallrule/Plan.ts"
import { firewallRule, t0 } from "../Fixtures.ts"

const deleted = firewallRule("r", {}, { deleting: true })

const observe = (o: Partial<Plan.Observed> = {}): Plan.Observed => ({
  now: t0,
  object: deleted,
  target: { _tag: "None", reason: "NodeNotFound", message: "the node is gone" },
  report: undefined,
  countedInOn: undefined,
  holders: [],
  unseenGroupId: undefined,
  doubt: undefined,
  ...o
})
const holder: Plan.Holder = {
  groupId: "sg-1",
  nodeName: "node-1",
  holds: false,
  isConfirmed: true,
  wasRead: false,
  isInexact: false
}

/** Over: all was read, and believed. */
const doubt: Plan.Doubt = { until: t0, groupsReadBegan: t0, unreadGroupId: undefined, wasRead: false }

/** The step as a short word, or "settled". */
const word = (o: Plan.Observed): string => {
  const decision = Plan.decide(o)
  return decision._tag === "Perform" ? decision.step._tag : "settled"
}
const message = (o: Plan.Observed): string | undefined => {
  const decision = Plan.decide(o)
  return decision._tag === "Perform" && decision.step._tag === "WriteStatus"
    ? find(decision.step.status.conditions ?? [], "Ready")?.message
    : undefined
}

describe("a rule that is deleted", () => {
  it("goes when no group holds anything of it and a read has confirmed that", () => {
    assert.strictEqual(word(observe()), "RemoveFinalizer")
    assert.strictEqual(word(observe({ holders: [holder] })), "RemoveFinalizer")
  })

  const obstacles: ReadonlyArray<readonly [string, Partial<Plan.Observed>, string, string | undefined]> = [
    [
      "a group still counts it in",
      { countedInOn: "node-1" },
      "WriteStatus",
      "waiting for the group of node node-1 to close it"
    ],
    [
      "a group still holds it",
      { holders: [{ ...holder, holds: true }] },
      "WriteStatus",
      "waiting for sg-1 of node node-1 to close it"
    ],
    ["its status names a group that no read has shown", { unseenGroupId: "sg-1" }, "ReadGroup", undefined],
    [
      "nothing was read since a group was written to",
      { holders: [{ ...holder, isConfirmed: false }] },
      "ReadGroup",
      undefined
    ],
    [
      "a read of this run was too early",
      { holders: [{ ...holder, isConfirmed: false, wasRead: true }] },
      "Wait",
      undefined
    ],
    [
      "another process may have opened it and EC2 may not show it yet",
      { doubt: { ...doubt, until: t0 + 1_000 } },
      "WriteStatus",
      "waiting for EC2 to show what was opened before this process began"
    ],
    [
      "no read of all groups began since EC2 must show what another process has opened",
      { doubt: { ...doubt, groupsReadBegan: t0 - 1 } },
      "ReadGroups",
      undefined
    ],
    [
      "such a read was not believed of a group",
      { doubt: { ...doubt, unreadGroupId: "sg-2" } },
      "ReadGroup",
      undefined
    ],
    [
      "such a read was not believed of a group, and again in this run",
      { doubt: { ...doubt, unreadGroupId: "sg-2", wasRead: true } },
      "Wait",
      undefined
    ]
  ]
  for (const [why, o, expected, said] of obstacles) {
    it(`stays while ${why}: ${expected}`, () => {
      assert.strictEqual(word(observe(o)), expected)
      assert.strictEqual(message(observe(o)), said)
    })
  }

  it("is looked at again when the doubt is over, and goes after a read that begins then", () => {
    const o = observe({ doubt: { ...doubt, until: t0 + 1_000 } })
    const first = Plan.decide(o)
    assert(first._tag === "Perform" && first.step._tag === "WriteStatus")
    const decision = Plan.decide({ ...o, object: { ...deleted, status: first.step.status } })
    assert(decision._tag === "Settled" && decision.next._tag === "RequeueAfter")
    assert.strictEqual(Duration.toMillis(decision.next.duration), 1_000)
    assert.strictEqual(word(observe({ doubt })), "RemoveFinalizer")
  })
})
