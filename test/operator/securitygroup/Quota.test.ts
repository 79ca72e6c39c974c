/** How a quota is found by refusals only. */
import { assert, describe, it } from "@effect/vitest"
import { nextBatch } from "../../../src/operator/securitygroup/Quota.ts"

describe("the batch after one that is over the quota", () => {
  for (const [present, refused, next] of [
    [0, 61, 60],
    [0, 110, 60],
    [40, 30, 20],
    // The usual quota is not the one: half of it.
    [0, 60, 30],
    [0, 55, 27],
    [60, 5, 2],
    [60, 2, 1],
    [97, 12, 6]
  ] as const) {
    it(`of ${refused} beside ${present} has ${next}`, () =>
      assert.strictEqual(nextBatch(present, refused), next))
  }

  /** As a run does it: each batch as large as the last one that was not refused, until one alone is. */
  const search = (quota: number, wanted: number) => {
    let [present, batch, refusals] = [0, Number.POSITIVE_INFINITY, 0]
    while (present < wanted) {
      const size = Math.min(batch, wanted - present)
      if (present + size <= quota) present += size
      else {
        refusals += 1
        if (size === 1) break
        batch = nextBatch(present, size)
      }
    }
    return { present, refusals }
  }
  it("fills every quota, and takes a few refusals for it", () => {
    for (let quota = 0; quota <= 200; quota++) {
      for (let wanted = 1; wanted <= 200; wanted++) {
        const { present, refusals } = search(quota, wanted)
        assert.strictEqual(present, Math.min(quota, wanted), `${wanted} rules, quota ${quota}`)
        assert.isAtMost(refusals, 2 + Math.ceil(Math.log2(wanted)), `${wanted} rules, quota ${quota}`)
      }
    }
  })
})
