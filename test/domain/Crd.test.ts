import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { files } from "../../src/cli/Crds.ts"
import { admit } from "../../src/domain/Admission.ts"
import * as FirewallRule from "../../src/domain/FirewallRule.ts"
import type { Raw } from "../../src/domain/Object.ts"

const rule = (spec: Readonly<Record<string, unknown>> = {}): Raw => ({
  apiVersion: "kubestatic.quortex.io/v1alpha1",
  kind: "FirewallRule",
  metadata: { name: "r" },
  spec: {
    nodeName: "n1",
    description: "d",
    direction: "Ingress",
    protocol: "tcp",
    fromPort: 80,
    ipRanges: [{ cidr: "10.0.0.0/8" }],
    ...spec
  }
})

for (const folder of ["crds/", "deploy/chart/crds/"]) {
  describe(folder, () => {
    for (const { content, name } of files) {
      it(`${name} is what the Schemas say (else: npm run crds)`, () => {
        assert.strictEqual(readFileSync(new URL(`../../${folder}${name}`, import.meta.url), "utf8"), content)
      })
    }
  })
}

it("the chart installs these definitions and no others", () => {
  assert.sameMembers(
    readdirSync(new URL("../../deploy/chart/crds/", import.meta.url)),
    files.map((file) => file.name)
  )
})

describe("admission accepts", () => {
  const accepted: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>]> = [
    ["the least", {}],
    ["protocols in any letter case", { protocol: "TCP" }],
    ["a protocol number, with any port", { protocol: "50", fromPort: -7 }],
    ["all protocols", { protocol: "-1", fromPort: 0 }],
    ["ICMP type 0", { protocol: "icmp", fromPort: 0 }],
    ["ICMP type and code", { protocol: "icmp", fromPort: 3, toPort: 4 }],
    ["all of ICMP", { protocol: "icmpv6", fromPort: -1, toPort: -1 }],
    ["port 0 and port 65535", { fromPort: 0, toPort: 65535 }],
    ["host bits in a range", { ipRanges: [{ cidr: "10.1.2.3/8" }] }],
    ["an unset address and node", { publicIPAddress: "", nodeName: "" }],
    ["an address", { publicIPAddress: "203.0.113.7" }]
  ]
  for (const [what, spec] of accepted) {
    it(what, () => assert.isTrue(Result.isSuccess(admit("FirewallRule", rule(spec)))))
  }
  it("an ExternalIP without a spec", () => {
    assert.isTrue(Result.isSuccess(admit("ExternalIP", { metadata: { name: "e" } })))
  })
})

describe("admission refuses, and names the field", () => {
  const refused: ReadonlyArray<readonly [string, string, Readonly<Record<string, unknown>>]> = [
    ["an unknown protocol", "spec.protocol:", { protocol: "bogus" }],
    ["a protocol number above 255", "spec.protocol:", { protocol: "256" }],
    ["a port above 65535", "spec.fromPort:", { fromPort: 70000 }],
    ["a negative port", "spec.fromPort:", { fromPort: -1 }],
    ["a last port below the first", "spec.toPort:", { fromPort: 90, toPort: 80 }],
    ["an ICMP type above 255", "spec.fromPort:", { protocol: "icmp", fromPort: 256 }],
    ["a code without a type", "spec.toPort:", { protocol: "icmp", fromPort: -1, toPort: 3 }],
    ["no range", "spec.ipRanges:", { ipRanges: [] }],
    ["an IPv6 range", "spec.ipRanges[0].cidr:", { ipRanges: [{ cidr: "::/0" }] }],
    ["an address without a prefix", "spec.ipRanges[0].cidr:", { ipRanges: [{ cidr: "10.0.0.0" }] }],
    [
      "characters EC2 does not take",
      "spec.ipRanges[0].description:",
      { ipRanges: [{ cidr: "10.0.0.0/8", description: "ü" }] }
    ],
    ["an address that is none", "spec.publicIPAddress:", { publicIPAddress: "300.1.1.1" }],
    ["a direction that is none", "spec.direction:", { direction: "In" }],
    ["a port that is no number", "spec.fromPort:", { fromPort: "80" }]
  ]
  for (const [what, field, spec] of refused) {
    it(what, () => {
      const verdict = admit("FirewallRule", rule(spec))
      assert(Result.isFailure(verdict))
      assert.isTrue(verdict.failure.startsWith(field), verdict.failure)
    })
  }
})

describe("what is stored", () => {
  const stored = rule({ protocol: "bogus" })
  it("and would be refused today can still be labelled, cleaned up and deleted", () => {
    const changed = { ...stored, metadata: { name: "r", labels: { a: "b" } }, status: { state: "Pending" } }
    assert.isTrue(Result.isSuccess(admit("FirewallRule", changed, stored)))
  })
  it("and cannot be understood is decoded all the same: it says why, and wants nothing", () => {
    const decoded = FirewallRule.decode(stored)
    assert(Result.isFailure(decoded.spec))
    assert.include(decoded.spec.failure, "spec.protocol")
    assert.deepStrictEqual(decoded.permissions, [])
  })
  it("keeps a status field by field when one of them cannot be read", () => {
    const decoded = FirewallRule.decode({
      ...rule(),
      status: { state: 7, nodeName: "n1", lastApplied: "{}" }
    })
    assert.deepStrictEqual(decoded.status, { nodeName: "n1" })
  })
  it("by Go, with null lists and empty strings, decodes", () => {
    const decoded = FirewallRule.decode({
      ...rule({ publicIPAddress: "", toPort: null }),
      metadata: { name: "r", finalizers: null, labels: null },
      status: { conditions: null }
    })
    assert.isTrue(Result.isSuccess(decoded.spec))
  })
  it("gets defaults and loses unknown fields", () => {
    const verdict = admit("FirewallRule", rule({ unknown: 1 }))
    assert(Result.isSuccess(verdict))
    assert.deepInclude(verdict.success.spec, { disableReconciliation: false })
    assert.notProperty(verdict.success.spec, "unknown")
  })
})
