/** How long actors wait after each failure, and what conditions say of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Retry from "../../src/actor/Retry.ts"
import { Forbidden, KubernetesError } from "../../src/kubernetes/KubernetesError.ts"
import { retryOf } from "../../src/operator/Failure.ts"

describe("a request that the API server forbids", () => {
  const forbidden = new KubernetesError({
    operation: "patch firewallrules/web",
    reason: new Forbidden({ message: "cannot patch resource" })
  })
  const after = (failures: number) => Retry.delay(retryOf(forbidden), failures, 0.5)

  it("is tried again within seconds: an API server that starts forbids everything for a moment", () => {
    assert.isAtMost(after(0), 2_000)
    assert.isAtMost(after(1), 4_000)
  })
  it("is tried in minutes once it stays forbidden", () => {
    assert.isAtLeast(after(10), 150_000)
    assert.isAtMost(after(10), 300_000)
  })
})
