/** The operator killed at random moments, again and again, while nodes and rules come and go. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Draw from "../Draw.ts"
import * as Life from "./world/Life.ts"
import { suite } from "./world/Suite.ts"

const kills = 100
const seed = Number(process.env.KUBESTATIC_E2E_SEED ?? 1)

suite("kills", {}, (scenario) => {
  scenario(`${kills} kills leave nothing leaked, doubled or wrongly open (seed ${seed})`, (world) =>
    Effect.gen(function* () {
      const draw = Draw.make(seed)
      const life = Life.make(world, draw)
      let whileStarting = 0
      for (let n = 0; n < kills; n++) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const operator = yield* world.startOperator()
            // Now and then before it is ready; mostly in the middle of its work.
            if (draw.below(5) === 0) whileStarting += 1
            else yield* operator.ready
            for (let i = draw.below(4); i >= 0; i--) {
              yield* life.happens
              yield* Effect.sleep(draw.below(120))
            }
            yield* Effect.sleep(draw.below(250))
            assert.isTrue(operator.isRunning(), operator.output())
            yield* operator.end("SIGKILL")
          })
        )
      }
      const operator = yield* world.startOperator({ flags: ["--drift-interval=3s"] })
      yield* operator.ready
      // An allocation whose answer was lost is waited for two minutes before another one is tried.
      yield* world.matches("both worlds agree after the kills", { within: "4 minutes" })

      const { externalIPs, addresses } = yield* world.worlds
      assert.strictEqual(addresses.length, externalIPs.length)
      const calls = world.wire.mutations()
      const counts = Object.entries(Object.groupBy(calls, (c) => c.action)).map(
        ([a, c]) => `${a} ${c?.length}`
      )
      process.stdout.write(
        `\n${kills} kills, ${whileStarting} of them while starting; ${externalIPs.length} addresses needed and ` +
          `allocated; EC2 writes: ${counts.sort().join(", ")}\n`
      )
      // At rest nothing is written, however often EC2 is read.
      const reads = world.wire.calls().length
      yield* world.rest(operator, 3)
      assert.isAbove(world.wire.calls().length, reads)
      assert.deepStrictEqual(
        world.wire
          .mutations()
          .slice(calls.length)
          .map((c) => c.action),
        []
      )
    })
  )
})
