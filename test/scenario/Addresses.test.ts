import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as World from "../World.ts"

const taint = { key: "node.kubestatic.quortex.io/externalip-not-attached", effect: "NoSchedule" }

describe("a node with the auto-assign label", () => {
  it.effect("gets an address, the label, and loses the startup taint, with two mutating calls", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: { "kubestatic.quortex.io/externalip-auto-assign": "true" }, taints: [taint] })
      yield* world.start()
      yield* world.pass("10 seconds")
      console.log(JSON.stringify(world.externalIPs(), null, 1))
      console.log(JSON.stringify(world.node("n1")), JSON.stringify(world.ec2.addresses()), JSON.stringify(world.ec2.calls()))
      console.log(JSON.stringify(world.kubernetes.writes))
      assert.strictEqual(world.ec2.addresses().length, 1)
    })
  )
})
