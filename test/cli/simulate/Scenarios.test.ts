/** What a scenario says that it makes is what it makes, of whatever size the cluster is. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Made, Stage } from "../../../src/cli/simulate/Scenario.ts"
import * as Scenarios from "../../../src/cli/simulate/Scenarios.ts"
import { addressLabel } from "../../../src/domain/Names.ts"
import { nodes, pods, type Resource } from "../../../src/kubernetes/Kubernetes.ts"

/** A stage on which all goes at once and every node holds an address; it writes down what is created. */
const recording = (count: number) => {
  const made: Array<Made> = []
  const create = (resource: Resource, name: unknown) =>
    Effect.sync(() => {
      made.push({ resource, name: String(name) })
    })
  const cloud = {
    join: ({ name }: { readonly name: string }) => create(nodes, name),
    runPod: ({ name }: { readonly name: string }) => create(pods, name),
    cordon: () => Effect.void,
    drain: () => Effect.void,
    leave: () => Effect.void,
    // Under the name of the one that leaves.
    replace: () => Effect.void,
    interruptSpot: () => Effect.void
  }
  const cluster = {
    create: (resource: Resource, { metadata }: { readonly metadata: { readonly name: string } }) =>
      create(resource, metadata.name),
    get: () => ({ metadata: { labels: { [addressLabel]: "100.64.0.1" } } })
  }
  const stage = { nodes: count, cloud, instantly: cloud, cluster, settled: Effect.void } as unknown as Stage
  return { made, stage }
}

const inWords = (made: ReadonlyArray<Made>): ReadonlyArray<string> =>
  made.map(({ name, resource }) => `${resource.kind} ${name}`).toSorted()

describe("a scenario", () => {
  for (const scenario of [...Scenarios.all, Scenarios.files]) {
    it.effect(`${scenario.name} makes what it says that it makes, and nothing twice`, () =>
      Effect.gen(function* () {
        for (const count of [1, 2, 3, 4, 9, 20]) {
          const { made, stage } = recording(count)
          yield* scenario.before(stage)
          yield* scenario.during(stage)
          assert.deepStrictEqual(inWords(made), inWords(scenario.makes(count)), `${count} nodes`)
          assert.strictEqual(new Set(inWords(made)).size, made.length)
        }
      })
    )
  }
})
