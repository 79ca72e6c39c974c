/** The reference in crds/README.md: it is what the Schemas say, and nothing that a user can see is missing from it. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { render } from "../../src/cli/reference/Reference.ts"
import * as ConditionType from "../../src/domain/ConditionType.ts"
import * as Kinds from "../../src/domain/crd/Kinds.ts"
import type { Shape } from "../../src/domain/crd/Shape.ts"
import * as EventReason from "../../src/domain/EventReason.ts"
import * as Names from "../../src/domain/Names.ts"
import * as Reason from "../../src/domain/Reason.ts"
import * as World from "../World.ts"

const committed = readFileSync(new URL("../../crds/README.md", import.meta.url), "utf8")

const pathsOf = (shape: Shape, path: string): ReadonlyArray<string> => {
  switch (shape.type) {
    case "object":
      return Object.entries(shape.properties).flatMap(([name, s]) =>
        pathsOf(s, path === "" ? name : `${path}.${name}`)
      )
    case "array":
      return [path, ...(shape.items.type === "object" ? pathsOf(shape.items, `${path}[]`) : [])]
    default:
      return [path]
  }
}

const isSentence = /^[A-Z`"].*[.]$/s

describe("the reference", () => {
  it("is what the Schemas say (else: npm run crds)", () => {
    assert.strictEqual(committed, render())
  })
  it("has a row for every field of both kinds, in its own section, with a meaning", () => {
    const sectionOf = (kind: string) =>
      render()
        .split(/^## /m)
        .find((s) => s.startsWith(`${kind}\n`)) ?? ""
    for (const { kind, spec, status } of [Kinds.externalIP, Kinds.firewallRule]) {
      const rows = sectionOf(kind).split("\n")
      for (const path of [...pathsOf(spec, ""), ...pathsOf(status, "")]) {
        const row = rows.find((r) => r.startsWith(`| \`${path}\` |`))
        assert.isDefined(row, `${kind} ${path}`)
        assert.match(row?.split(" | ").at(-1) ?? "", /^[A-Za-z].* \|$/, path)
      }
    }
  })
  it("has every message that a validation can give", () => {
    const messages = (shape: Shape): ReadonlyArray<string> => [
      ...shape.rules.map((r) => r.message),
      ...(shape.type === "object" ? Object.values(shape.properties).flatMap(messages) : []),
      ...(shape.type === "array" ? messages(shape.items) : [])
    ]
    const all = [Kinds.externalIP, Kinds.firewallRule].flatMap((k) => [
      ...messages(k.spec),
      ...messages(k.status)
    ])
    assert.isNotEmpty(all)
    for (const message of all) assert.include(committed, message)
  })
  it("explains every reason: what it means and what to do", () => {
    const reasons = Object.keys(Reason.Reason)
    assert.strictEqual(reasons.length, 21)
    for (const [reason, { meaning, on, remedy }] of Object.entries(Reason.explanations)) {
      assert.isNotEmpty(on, reason)
      assert.match(meaning, isSentence, reason)
      assert.match(remedy, isSentence, reason)
      assert.include(committed, `| \`${reason}\` |`)
    }
  })
  it("explains every event, and none has the name of a failure", () => {
    for (const [reason, { meaning }] of Object.entries(EventReason.explanations)) {
      assert.match(meaning, isSentence, reason)
      assert.include(committed, `| \`${reason}\` |`)
      assert.isFalse(Reason.isFailureReason(reason))
    }
  })
  it("names every label, taint, finalizer and tag", () => {
    const names = [
      Names.autoAssignLabel,
      Names.addressLabel,
      Names.startupTaint,
      Names.externalIPFinalizer,
      Names.firewallRuleFinalizer,
      Names.leaseName,
      Names.autoAssignedPrefix,
      ...Object.values(Names.Tag)
    ]
    for (const name of names) assert.include(committed, name)
  })
  it.effect("has the conditions that the operator really writes, kind by kind", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      yield* world.launch("n1", { labels: {} })
      yield* world.create("ExternalIP", "e", { nodeName: "n1" })
      yield* world.create("FirewallRule", "r", { ...World.rule, nodeName: "n1" })
      yield* world.start()
      yield* world.pass("20 seconds")
      const typesOf = (kind: "ExternalIP" | "FirewallRule", name: string) =>
        (world.statusOf(kind, name).conditions as ReadonlyArray<{ readonly type: string }>).map((c) => c.type)
      const explained = ConditionType.explanations
      assert.sameMembers(typesOf("ExternalIP", "e"), Object.keys(explained.ExternalIP))
      assert.sameMembers(typesOf("FirewallRule", "r"), Object.keys(explained.FirewallRule))
    })
  )
})
