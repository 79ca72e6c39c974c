import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { admit, problemsOf } from "../../src/domain/Admission.ts"
import * as ExternalIP from "../../src/domain/ExternalIP.ts"
import * as FirewallRule from "../../src/domain/FirewallRule.ts"
import type { Raw } from "../../src/domain/Object.ts"
import * as MergePatch from "../../src/simulation/MergePatch.ts"
import { accepted, refused } from "./AdmissionTable.ts"
import { corpus, harmless } from "./Corpus.ts"
import { updates } from "./UpdateTable.ts"

describe("admission accepts", () => {
  for (const { object, stored, what } of accepted) {
    it(what, () => {
      const admitted = Result.getOrThrow(admit(object.kind, object))
      const spec = admitted.spec as Readonly<Record<string, unknown>>
      for (const [name, value] of Object.entries(stored)) assert.deepStrictEqual(spec[name], value, name)
    })
    it(`${what}: and what it accepts can be used`, () => {
      const admitted = Result.getOrThrow(admit(object.kind, object))
      const decoded: Result.Result<unknown, string> =
        object.kind === "ExternalIP" ? ExternalIP.decode(admitted).spec : FirewallRule.decode(admitted).spec
      assert(Result.isSuccess(decoded))
    })
    it(`${what}: and stores it as it is when it comes again`, () => {
      const once = Result.getOrThrow(admit(object.kind, object))
      assert.deepStrictEqual(admit(object.kind, once, once), Result.succeed(once))
    })
  }
  it("kinds that are not ours as they are", () => {
    const pod: Raw = { kind: "Pod", metadata: { name: "p" }, spec: { anything: 1 } }
    assert.strictEqual(Result.getOrThrow(admit("Pod", pod)), pod)
  })
})

describe("admission refuses, and names the field", () => {
  for (const { causes, object, what } of refused) {
    it(what, () => {
      const found = problemsOf(object.kind, object).map((p) => `${p.path}: ${p.message}`)
      assert.deepStrictEqual(found.toSorted(), causes.map((c) => c.join(": ")).toSorted())
      assert.deepStrictEqual(admit(object.kind, object), Result.fail(found.join("; ")))
    })
  }
})

describe("admission of an update", () => {
  for (const { causes, patch, stored, what } of updates) {
    it(`${what}: ${causes.length === 0 ? "let through" : "refused"}`, () => {
      const changed = MergePatch.apply(stored, JSON.parse(JSON.stringify(patch))) as Raw
      const found = problemsOf(stored.kind, changed, stored).map((p) => `${p.path}: ${p.message}`)
      assert.deepStrictEqual(
        found,
        causes.map((c) => c.join(": "))
      )
    })
  }
})

describe("what clusters hold already", () => {
  for (const { isRefusedToday, isUsable, name, object } of corpus) {
    for (const { patch, what } of harmless) {
      it(`${name} can still be ${what}`, () => {
        const changed = MergePatch.apply(object, patch) as Raw
        assert.deepStrictEqual(problemsOf(object.kind, changed, object), [])
      })
    }
    it(`${name} is decoded: ${isUsable ? "it can work" : "it says in one line why it cannot work"}`, () => {
      if (object.kind === "ExternalIP") {
        assert.isTrue(Result.isSuccess(ExternalIP.decode(object).spec))
        return
      }
      const rule = FirewallRule.decode(object)
      assert.strictEqual(Result.isSuccess(rule.spec), isUsable)
      assert.strictEqual(rule.permissions.length > 0, isUsable)
      if (Result.isFailure(rule.spec)) assert.match(rule.spec.failure, /^spec\.[\w.[\]]+: [^\n]+$/)
    })
    it(`${name} would ${isRefusedToday ? "not " : ""}pass if it came new`, () => {
      const isWithoutSpec = object.spec === undefined
      const found = problemsOf(object.kind, object, { metadata: {} })
      // A spec that is not there at all is not judged: rules begin at it.
      assert.strictEqual(found.length > 0, isRefusedToday && !isWithoutSpec)
    })
  }
})
