/** What counts as a reason for a refusal, and what does not. */
import { assert, describe, it } from "@effect/vitest"
import type { Audited } from "./ApiServer.ts"
import * as Explanation from "./Explanation.ts"
import { user } from "./OperatorProcess.ts"

const at = (seconds: number) => new Date(seconds * 1_000).toISOString()

const asked = (
  verb: string,
  from: number,
  code: number,
  message?: string,
  username: string = user
): Audited => ({
  verb,
  requestURI: "/api/v1/pods",
  user: { username },
  requestReceivedTimestamp: at(from),
  stageTimestamp: at(from + 1),
  responseStatus: { code, ...(message === undefined ? {} : { message }) },
  objectRef: { resource: "pods", name: "a" }
})
const life = (from: number, to: number, toldToEndAt = Number.POSITIVE_INFINITY): Explanation.Life => ({
  from: from * 1_000,
  toldToEndAt: () => toldToEndAt * 1_000,
  to: () => to * 1_000
})

describe("a write that nobody waited for", () => {
  const message = "Timeout: request did not complete within requested timeout - context canceled"
  const patch = asked("patch", 10, 504, message)

  it("is explained where its process was killed, and nowhere else", () => {
    const explainIn = (to: number) => Explanation.make({ audit: [patch], lives: [life(5, to)] })
    assert.strictEqual(explainIn(12)(patch), "its process was ending")
    assert.isUndefined(explainIn(Number.POSITIVE_INFINITY)(patch))
  })

  it("is not where the server took too long", () => {
    const slow = asked("patch", 10, 504, "Timeout: request did not complete within requested timeout")
    assert.isUndefined(Explanation.make({ audit: [slow], lives: [life(5, 12)] })(slow))
  })
})

describe("a list that nobody waited for", () => {
  const list = asked("list", 10, 500, "context canceled")

  it("is explained where its process ended, with what it read before it ended", () => {
    const trail = [asked("list", 9, 200), list, asked("list", 30, 200)]
    const explain = Explanation.make({
      audit: trail,
      lives: [life(5, 12), life(29, Number.POSITIVE_INFINITY)]
    })
    assert.strictEqual(explain(list), "its process was ending")
  })

  it("is not where its process runs on", () => {
    const explain = Explanation.make({ audit: [list], lives: [life(5, Number.POSITIVE_INFINITY)] })
    assert.isUndefined(explain(list))
  })

  it("is explained where its process had been told to end, though something it had sent came in later", () => {
    const trail = [list, asked("list", 12, 200)]
    const explainIn = (toldToEndAt: number) =>
      Explanation.make({ audit: trail, lives: [life(5, 13, toldToEndAt)] })(list)
    assert.strictEqual(explainIn(9), "its process was ending")
    assert.strictEqual(explainIn(11), "its process was ending")
    assert.isUndefined(explainIn(12))
  })

  it("is not where its process read more afterwards", () => {
    const explain = Explanation.make({ audit: [list, asked("list", 12, 200)], lives: [life(5, 20)] })
    assert.isUndefined(explain(list))
  })

  it("is not where the server failed for another reason", () => {
    const failed = asked("list", 10, 500, "etcdserver: leader changed")
    assert.isUndefined(Explanation.make({ audit: [failed], lives: [life(5, 12)] })(failed))
  })
})

describe("a write that was refused", () => {
  const refused = asked("patch", 10, 409)

  it("is explained by what somebody else wrote meanwhile", () => {
    const explain = Explanation.make({
      audit: [asked("update", 9, 200, undefined, "admin"), refused],
      lives: [life(5, 20)]
    })
    assert.strictEqual(explain(refused), "somebody else wrote it meanwhile")
  })

  it("is not by what the same process wrote itself", () => {
    const explain = Explanation.make({ audit: [asked("update", 8, 200), refused], lives: [life(5, 20)] })
    assert.isUndefined(explain(refused))
  })
})
