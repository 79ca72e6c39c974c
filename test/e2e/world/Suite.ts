/**
 * A suite over a world of its own.
 * Rule: whatever it is about, at its end everything that was asked of both worlds is held against the permissions.
 */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { judge, outsideOfPolicy } from "./Verdict.ts"
import { pass } from "./Wire.ts"
import { World } from "./World.ts"

export interface Options {
  /** HTTP status codes that the suite itself provokes. */
  readonly provokes?: ReadonlyArray<number>
  /** False: the suite is about the API server alone, and no operator runs in it. */
  readonly asksEc2?: boolean
}

export type Scenario = <E>(
  name: string,
  body: (world: World["Service"]) => Effect.Effect<unknown, E, Scope.Scope>
) => void

/** Scenarios run one after the other; what each starts ends with it. */
export const suite = (name: string, options: Options, define: (scenario: Scenario) => void): void =>
  layer(World.layer, { excludeTestServices: true, timeout: "3 minutes" })(
    name,
    (it: Vitest.MethodsNonLive<World>) => {
      define((what, body) =>
        it.effect(what, () =>
          Effect.flatMap(World, (world) =>
            Effect.scoped(body(world)).pipe(
              // One that fails leaves no trouble to the next.
              Effect.ensuring(Effect.sync(() => world.wire.decide(() => pass))),
              // What a person would look at first.
              Effect.tapError(() => Effect.sync(() => process.stdout.write(`\n${world.lastWords()}\n`)))
            )
          )
        ))
      if (options.asksEc2 === false) return
      it.effect("asked both worlds for nothing that its permissions do not hold", () =>
        Effect.map(World, ({ apiServer, lives, wire }) => {
          const calls = wire.calls()
          const { explained, requests, unexplained } = judge({ apiServer, lives }, options.provokes)
          const refusals = Object.entries(explained).map(([what, n]) => `${n} x ${what}`)
          process.stdout.write(
            `\n${name}: ${requests} requests to the API server (refused: ${refusals.join(", ") || "none"}), ` +
              `${calls.length} calls to EC2 of ${new Set(calls.map((c) => c.action)).size} actions\n`
          )
          assert.isAbove(calls.length, 0)
          assert.deepStrictEqual(outsideOfPolicy(calls), [])
          assert.deepStrictEqual(unexplained, [])
        })
      )
    }
  )
