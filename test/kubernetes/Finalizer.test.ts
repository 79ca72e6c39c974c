/** The durable acquire-release, and the patches that carry it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Metadata } from "../../src/domain/Metadata.ts"
import {
  guard,
  type Patch,
  type State,
  stateOf,
  withFinalizer,
  withoutFinalizer
} from "../../src/kubernetes/Finalizer.ts"

const ours = "ours.example.com/finalizer"

const metadata = (finalizers: ReadonlyArray<string>, isDeleting = false): Metadata => ({
  name: "a",
  namespace: "",
  uid: "u",
  resourceVersion: "7",
  generation: 1,
  creationTimestamp: "2024-01-01T00:00:00Z",
  deletionTimestamp: isDeleting ? "2024-01-02T00:00:00Z" : undefined,
  finalizers,
  labels: {}
})

const states: ReadonlyArray<readonly [ReadonlyArray<string>, boolean, State]> = [
  [[], false, "Absent"],
  [["theirs"], false, "Absent"],
  [[ours], false, "Live"],
  [["theirs", ours], false, "Live"],
  [[ours], true, "Dying"],
  [[], true, "Gone"],
  [["theirs"], true, "Gone"]
]

describe("the state of a finalizer", () => {
  it.each(states)("with %j, being deleted %s, is %s", (finalizers, isDeleting, state) => {
    assert.strictEqual(stateOf(metadata(finalizers, isDeleting), ours), state)
  })
})

describe("the patches", () => {
  it.effect.prop(
    "hold for the version they were made from and leave the finalizers of others in their order",
    [Schema.Array(Schema.Union([Schema.String, Schema.Literal(ours)]))],
    ([finalizers]) =>
      Effect.sync(() => {
        const m = metadata(finalizers)
        const others = (patch: Patch) => patch.metadata.finalizers.filter((f) => f !== ours)
        const theirs = finalizers.filter((f) => f !== ours)
        assert.deepStrictEqual(others(withFinalizer(m, ours)), theirs)
        assert.include(withFinalizer(m, ours).metadata.finalizers, ours)
        assert.deepStrictEqual(withoutFinalizer(m, ours).metadata.finalizers, theirs)
        assert.strictEqual(withFinalizer(m, ours).metadata.resourceVersion, "7")
        assert.strictEqual(withoutFinalizer(m, ours).metadata.resourceVersion, "7")
      })
  )

  it("add a finalizer once", () => {
    assert.deepStrictEqual(withFinalizer(metadata([ours, "theirs"]), ours).metadata.finalizers, [
      ours,
      "theirs"
    ])
  })
})

describe("guard", () => {
  const run = (m: Metadata, failing: "nothing" | "patch" | "apply" | "cleanup" = "nothing") =>
    Effect.gen(function* () {
      const journal: Array<string> = []
      const step = (name: "patch" | "apply" | "cleanup", line: string) =>
        Effect.suspend(() => {
          journal.push(line)
          return name === failing ? Effect.fail(name) : Effect.void
        })
      const guarded = guard(ours, {
        patch: (object: { readonly metadata: Metadata }, patch) =>
          Effect.as(step("patch", `patch ${patch.metadata.finalizers}`), {
            metadata: { ...object.metadata, ...patch.metadata, resourceVersion: "8" }
          }),
        apply: (object) => Effect.as(step("apply", `apply ${object.metadata.resourceVersion}`), "value"),
        cleanup: () => step("cleanup", "cleanup")
      })
      const exit = yield* Effect.exit(guarded({ metadata: m }))
      return { journal, outcome: exit._tag === "Success" ? exit.value : "failed" }
    })

  it.effect("adds the finalizer before it applies, on the object as it is then", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* run(metadata(["theirs"])), {
        journal: [`patch theirs,${ours}`, "apply 8"],
        outcome: { _tag: "Applied", value: "value" }
      })
    })
  )

  it.effect("applies nothing where the finalizer could not be added", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* run(metadata([]), "patch"), {
        journal: [`patch ${ours}`],
        outcome: "failed"
      })
    })
  )

  it.effect("only applies where it is there already", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* run(metadata([ours]))).journal, ["apply 7"])
    })
  )

  it.effect("removes the finalizer after cleanup", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* run(metadata(["theirs", ours], true)), {
        journal: ["cleanup", "patch theirs"],
        outcome: { _tag: "Released" }
      })
    })
  )

  it.effect("keeps the finalizer when cleanup fails", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* run(metadata([ours], true), "cleanup"), {
        journal: ["cleanup"],
        outcome: "failed"
      })
    })
  )

  it.effect("does nothing to an object that goes without it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* run(metadata(["theirs"], true)), {
        journal: [],
        outcome: { _tag: "Gone" }
      })
    })
  )
})
