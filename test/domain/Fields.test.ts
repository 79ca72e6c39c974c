/** Of every object the fields that are kept are all that its decoder reads. */
import { assert, describe, it } from "@effect/vitest"
import * as ExternalIP from "../../src/domain/ExternalIP.ts"
import { type Fields, project } from "../../src/domain/Fields.ts"
import * as FirewallRule from "../../src/domain/FirewallRule.ts"
import * as Node from "../../src/domain/Node.ts"
import type { Raw } from "../../src/domain/Object.ts"
import * as Pod from "../../src/domain/Pod.ts"
import * as Objects from "../bench/cluster/Objects.ts"

const withDeletion = (raw: Raw): Raw => ({
  ...raw,
  metadata: { ...raw.metadata, deletionTimestamp: "2026-01-02T00:00:00Z", finalizers: ["a", "b"] }
})

const cordoned = (raw: Raw): Raw => ({ ...raw, spec: { ...(raw.spec as object), unschedulable: true } })

const cases: ReadonlyArray<readonly [string, Fields, (raw: Raw) => unknown, ReadonlyArray<Raw>]> = [
  ["Node", Node.fields, Node.decode, [Objects.node(3, "1"), cordoned(Objects.node(4, "2", 5))]],
  ["Pod", Pod.fields, Pod.decode, [Objects.pod(3, "1", 10, 10), Objects.pod(30, "1", 10, 10)]],
  ["ExternalIP", ExternalIP.fields, (raw) => ExternalIP.decode(raw), [Objects.externalIP(3, "1")]],
  ["FirewallRule", FirewallRule.fields, (raw) => FirewallRule.decode(raw), [Objects.firewallRule(3, "1")]]
]

describe("the fields that are kept", () => {
  it.each(cases)("of a %s are all that is read of it", (_, fields, decode, objects) => {
    for (const raw of objects.flatMap((o) => [o, withDeletion(o)])) {
      const kept = project(raw, fields) as Raw
      const labels = (value: unknown) => (value as { readonly labels?: unknown }).labels
      const whole = decode(raw) as { readonly metadata?: object }
      // Of labels those only that somebody asks for.
      const expected =
        whole.metadata === undefined
          ? whole
          : { ...whole, metadata: { ...whole.metadata, labels: labels(kept.metadata) ?? {} } }
      assert.deepStrictEqual(decode(kept), expected)
      assert.deepStrictEqual(project(kept, fields), kept)
    }
  })

  it("are a small part of a Node", () => {
    const size = (value: unknown) => JSON.stringify(value).length
    const node = Objects.node(3, "1")
    assert.isAbove(size(node), 19_000)
    assert.isBelow(size(project(node, Node.fields)), 600)
  })
})
