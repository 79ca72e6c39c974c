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
  const decide = (m: Metadata, left?: string) =>
    guard(m, ours, {
      absent: () => "absent",
      live: () => "live",
      cleanup: () => left,
      release: () => "release",
      gone: () => "gone"
    })
  it("does nothing elsewhere before the finalizer is there", () => {
    assert.strictEqual(decide(metadata(["theirs"])), "absent")
    assert.strictEqual(decide(metadata(["theirs", ours])), "live")
  })
  it("cleans up while something is left, and lets go only then", () => {
    assert.strictEqual(decide(metadata([ours], true), "something"), "something")
    assert.strictEqual(decide(metadata([ours], true)), "release")
  })
  it("does nothing to an object that goes without it", () => {
    assert.strictEqual(decide(metadata(["theirs"], true), "something"), "gone")
  })
})
