import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import * as Permission from "../../src/domain/Permission.ts"
import * as Rules from "../../src/simulation/Ec2Rules.ts"
import { permission } from "./Ec2Fixtures.ts"

const read = (...request: ReadonlyArray<Permission.IpPermission>) => Rules.read("Ingress", request)
const codeOf = (answer: Result.Result<unknown, { readonly code: string }>): string =>
  Result.isFailure(answer) ? answer.failure.code : "OK"
const readable = (...request: ReadonlyArray<Permission.IpPermission>): ReadonlyArray<Permission.Permission> =>
  Result.getOrThrow(read(...request))

describe("a stored rule is canonical", () => {
  it.each<readonly [string, Permission.IpPermission, string]>([
    ["host bits go", permission("tcp", [1, 2], ["10.1.2.3/8"]), "Ingress|tcp|1|2|ipv4|10.0.0.0/8"],
    ["host bits go", permission("tcp", [1, 2], ["100.68.0.18/18"]), "Ingress|tcp|1|2|ipv4|100.68.0.0/18"],
    [
      "in IPv6 too",
      permission("tcp", [1, 2], ["2001:DB8::1/32"], "ipv6"),
      "Ingress|tcp|1|2|ipv6|2001:db8::/32"
    ],
    ["6 is tcp", permission("6", [1, 2], ["0.0.0.0/0"]), "Ingress|tcp|1|2|ipv4|0.0.0.0/0"],
    ["17 is udp", permission("17", [1, 2], ["0.0.0.0/0"]), "Ingress|udp|1|2|ipv4|0.0.0.0/0"],
    ["1 is icmp", permission("1", [8, -1], ["0.0.0.0/0"]), "Ingress|icmp|8|-1|ipv4|0.0.0.0/0"],
    ["58 is icmpv6", permission("58", [-1, -1], ["::/0"], "ipv6"), "Ingress|icmpv6|-1|-1|ipv6|::/0"],
    ["names are lower case", permission("TCP", [1, 2], ["0.0.0.0/0"]), "Ingress|tcp|1|2|ipv4|0.0.0.0/0"],
    ["-1 has no ports", permission("-1", [1, 2], ["0.0.0.0/0"]), "Ingress|-1|||ipv4|0.0.0.0/0"],
    ["nor has gre", permission("47", [1, 2], ["0.0.0.0/0"]), "Ingress|47|||ipv4|0.0.0.0/0"]
  ])("%s", (_, asked, key) => {
    assert.deepStrictEqual(readable(asked).map(Permission.key), [key])
  })
})

describe("a request is refused", () => {
  const any = ["0.0.0.0/0"]
  it.each<readonly [string, ReadonlyArray<Permission.IpPermission>, string]>([
    ["when it asks for nothing", [], "MissingParameter"],
    ["without a source", [permission("tcp", [1, 2], [])], "MissingParameter"],
    ["with from above to", [permission("tcp", [2, 1], any)], "InvalidParameterValue"],
    ["without ports for tcp", [permission("tcp", undefined, any)], "InvalidParameterValue"],
    ["with port 65536", [permission("udp", [1, 65_536], any)], "InvalidParameterValue"],
    ["with port -1 for tcp", [permission("tcp", [-1, -1], any)], "InvalidParameterValue"],
    ["with ICMP type 256", [permission("icmp", [256, 0], any)], "InvalidParameterValue"],
    ["with all ICMP types and one code", [permission("icmp", [-1, 0], any)], "InvalidParameterValue"],
    ["with an unknown protocol", [permission("sctpx", [1, 2], any)], "InvalidParameterValue"],
    ["with protocol 256", [permission("256", undefined, any)], "InvalidParameterValue"],
    ["with the word all", [permission("all", undefined, any)], "InvalidParameterValue"],
    ["with no CIDR", [permission("tcp", [1, 2], ["10.0.0.1"])], "InvalidParameterValue"],
    ["with a wrong CIDR", [permission("tcp", [1, 2], ["10.0.0.0/33"])], "InvalidParameterValue"],
    ["with IPv6 among IPv4", [permission("tcp", [1, 2], ["::/0"])], "InvalidParameterValue"],
    ["with a wrong IPv6 CIDR", [permission("tcp", [1, 2], ["::"], "ipv6")], "InvalidParameterValue"],
    ["with a wrong prefix list", [permission("tcp", [1, 2], ["x"], "prefixLists")], "InvalidParameterValue"],
    [
      "with a long description",
      [permission("tcp", [1, 2], any, "ipv4", "d".repeat(256))],
      "InvalidParameterValue"
    ],
    [
      "with a letter that is not allowed",
      [permission("tcp", [1, 2], any, "ipv4", "é")],
      "InvalidParameterValue"
    ],
    [
      "with the same rule twice",
      [permission("tcp", [1, 2], any), permission("6", [1, 2], any, "ipv4", "other")],
      "InvalidParameterValue"
    ],
    [
      "with the same range in two spellings",
      [permission("tcp", [1, 2], ["10.0.0.0/8", "10.1.2.3/8"])],
      "InvalidParameterValue"
    ]
  ])("%s", (_, request, code) => {
    assert.strictEqual(codeOf(read(...request)), code)
  })
  it.each<readonly [string, Permission.IpPermission]>([
    ["ICMP type 0", permission("icmp", [0, 0], any)],
    ["ICMP with a type above its code", permission("icmp", [8, 0], any)],
    ["protocol 0", permission("0", undefined, any)],
    ["every allowed letter", permission("tcp", [1, 2], any, "ipv4", "aZ09 ._-:/()#,@[]+=&;{}!$*")],
    ["a prefix list", permission("tcp", [1, 2], ["pl-0123456789abcdef0"], "prefixLists")]
  ])("but not %s", (_, asked) => {
    assert.strictEqual(codeOf(read(asked)), "OK")
  })
})

describe("authorising", () => {
  const present = readable(permission("tcp", [80, 80], ["10.0.0.0/8"]))
  it("a rule that exists refuses the whole request", () => {
    const asked = readable(permission("tcp", [80, 80], ["10.1.2.3/8", "11.0.0.0/8"]))
    const outcome = Rules.authorize(present, asked, 60, "refused")
    assert.strictEqual(codeOf(outcome.answer), "InvalidPermission.Duplicate")
    assert.strictEqual(outcome.after, present)
  })
  it("may apply the rest of such a request", () => {
    const asked = readable(permission("tcp", [80, 80], ["10.0.0.0/8", "11.0.0.0/8"]))
    const outcome = Rules.authorize(present, asked, 60, "applied")
    assert.strictEqual(codeOf(outcome.answer), "InvalidPermission.Duplicate")
    assert.deepStrictEqual(
      outcome.after.map((p) => p.source),
      ["10.0.0.0/8", "11.0.0.0/8"]
    )
  })
  it("with another description is a duplicate all the same", () => {
    const asked = readable(permission("tcp", [80, 80], ["10.0.0.0/8"], "ipv4", "another"))
    assert.strictEqual(
      codeOf(Rules.authorize(present, asked, 60, "refused").answer),
      "InvalidPermission.Duplicate"
    )
  })

  const ipv4 = (n: number) =>
    permission(
      "tcp",
      [1, 1],
      Array.from({ length: n }, (_, i) => `10.0.${i}.0/24`)
    )
  const ipv6 = (n: number) =>
    permission(
      "tcp",
      [1, 1],
      Array.from({ length: n }, (_, i) => `2001:db8:${i}::/48`),
      "ipv6"
    )
  const lists = (n: number) =>
    permission(
      "tcp",
      [1, 1],
      Array.from({ length: n }, (_, i) => `pl-${10_000_000 + i}`),
      "prefixLists"
    )
  it.each<readonly [string, ReadonlyArray<Permission.IpPermission>, string]>([
    ["60 of IPv4", [ipv4(60)], "OK"],
    ["61 of IPv4", [ipv4(61)], "RulesPerSecurityGroupLimitExceeded"],
    ["60 of each family", [ipv4(60), ipv6(60)], "OK"],
    ["61 of IPv6", [ipv6(61)], "RulesPerSecurityGroupLimitExceeded"],
    ["60 of IPv6 and a prefix list", [ipv6(60), lists(1)], "RulesPerSecurityGroupLimitExceeded"],
    ["60 of IPv4 and a prefix list", [ipv4(60), lists(1)], "RulesPerSecurityGroupLimitExceeded"]
  ])("%s rules", (_, request, code) => {
    const outcome = Rules.authorize([], readable(...request), 60, "refused")
    assert.strictEqual(codeOf(outcome.answer), code)
    if (code !== "OK") assert.deepStrictEqual(outcome.after, [])
  })
})

describe("revoking", () => {
  const present = readable(permission("tcp", [80, 80], ["10.0.0.0/8", "11.0.0.0/8"], "ipv4", "text"))
  it("needs no description", () => {
    const outcome = Rules.revoke(present, readable(permission("tcp", [80, 80], ["10.9.9.9/8"])))
    assert.strictEqual(codeOf(outcome.answer), "OK")
    assert.deepStrictEqual(
      outcome.after.map((p) => p.source),
      ["11.0.0.0/8"]
    )
  })
  it("something that is not there revokes nothing", () => {
    const outcome = Rules.revoke(present, readable(permission("tcp", [80, 80], ["10.0.0.0/8", "12.0.0.0/8"])))
    assert.strictEqual(codeOf(outcome.answer), "InvalidPermission.NotFound")
    assert.strictEqual(outcome.after, present)
  })
})

describe("a description", () => {
  const present = readable(permission("tcp", [80, 80], ["10.0.0.0/8", "11.0.0.0/8"], "ipv4", "old"))
  it("is changed in place", () => {
    const outcome = Rules.describe(
      present,
      readable(permission("tcp", [80, 80], ["10.0.0.0/8"], "ipv4", "new"))
    )
    assert.deepStrictEqual(
      outcome.after.map((p) => p.description),
      ["new", "old"]
    )
  })
  it("of a rule that does not exist changes nothing", () => {
    const outcome = Rules.describe(present, readable(permission("tcp", [81, 81], ["10.0.0.0/8"])))
    assert.strictEqual(codeOf(outcome.answer), "InvalidPermission.NotFound")
    assert.strictEqual(outcome.after, present)
  })
})

const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const Asked = Schema.Struct({
  protocol: Schema.Literals(["tcp", "6", "UDP", "icmp", "58", "-1", "47"]),
  port: byte,
  net: byte,
  prefix: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 32 })),
  isIpv6: Schema.Boolean
})
const toPermission = (a: typeof Asked.Type) =>
  permission(
    a.protocol,
    [a.port, a.port],
    [a.isIpv6 ? `2001:db8:${a.net}::1/${a.prefix}` : `10.${a.net}.1.1/${a.prefix}`],
    a.isIpv6 ? "ipv6" : "ipv4"
  )
/** Whatever was asked, each rule once. */
const distinct = (asked: ReadonlyArray<typeof Asked.Type>): ReadonlyArray<Permission.Permission> => [
  ...new Map(asked.flatMap((a) => readable(toPermission(a))).map((p) => [Permission.key(p), p])).values()
]
const keys = (permissions: ReadonlyArray<Permission.Permission>) => permissions.map(Permission.key).toSorted()

describe("whatever is asked for", () => {
  it.effect.prop(
    "what a describe merges is the same rules, one entry per protocol and ports",
    [Schema.Array(Asked)],
    ([asked]) =>
      Effect.sync(() => {
        const rules = distinct(asked)
        const merged = Permission.merge(rules)
        assert.deepStrictEqual(keys(Permission.expand("Ingress", merged)), keys(rules))
        const entries = merged.map((p) => `${p.protocol}|${p.fromPort}|${p.toPort}`)
        assert.strictEqual(new Set(entries).size, entries.length)
      })
  )
  it.effect.prop("asking for what is stored is asking for the same", [Schema.Array(Asked)], ([asked]) =>
    Effect.sync(() => {
      const rules = distinct(asked)
      if (rules.length === 0) return
      assert.deepStrictEqual(keys(readable(...Permission.merge(rules))), keys(rules))
    })
  )
  it.effect.prop(
    "revoking what was authorised leaves what was there",
    [Schema.Array(Asked), Schema.Array(Asked)],
    ([before, asked]) =>
      Effect.sync(() => {
        const present = distinct(before)
        const { missing } = Permission.difference(distinct(asked), present)
        const authorised = Rules.authorize(present, missing, 1_000, "refused")
        assert.strictEqual(codeOf(authorised.answer), "OK")
        const revoked = Rules.revoke(authorised.after, missing)
        assert.strictEqual(codeOf(revoked.answer), "OK")
        assert.deepStrictEqual(keys(revoked.after), keys(present))
      })
  )
})
