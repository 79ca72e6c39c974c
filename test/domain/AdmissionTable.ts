/**
 * New objects, and what the API server says of each: one table for the verdicts computed here and for a real server.
 * Rule: every rule of the Schemas has a row that it lets through and one that it refuses.
 */
import { apiVersion } from "../../src/domain/Names.ts"
import type { Raw } from "../../src/domain/Object.ts"

type Fields = Readonly<Record<string, unknown>>

export interface Row {
  readonly what: string
  readonly object: Raw & { readonly kind: string }
}

export interface Accepted extends Row {
  /** Members of the spec as it is stored, where they differ from what was sent; undefined: not stored. */
  readonly stored: Fields
}

export interface Refused extends Row {
  /** Field to message, as in the causes of the API server's answer, in its words. */
  readonly causes: ReadonlyArray<readonly [field: string, message: string]>
}

const ranges = [{ cidr: "10.0.0.0/8", description: "" }]
export const leastRule: Fields = {
  description: "d",
  direction: "Ingress",
  protocol: "tcp",
  fromPort: 80,
  ipRanges: ranges
}

/** An undefined member is left out. */
const rule = (what: string, spec: unknown): Row => ({
  what,
  object: {
    apiVersion,
    kind: "FirewallRule",
    metadata: { name: "r" },
    spec:
      typeof spec === "object" && spec !== null && !Array.isArray(spec)
        ? Object.fromEntries(Object.entries({ ...leastRule, ...spec }).filter(([, v]) => v !== undefined))
        : spec
  }
})
const address = (what: string, spec: unknown): Row => ({
  what,
  object: {
    apiVersion,
    kind: "ExternalIP",
    metadata: { name: "e" },
    ...(spec === undefined ? {} : { spec })
  }
})

const ok = (row: Row, stored: Fields = {}): Accepted => ({ ...row, stored })
const no = (row: Row, ...causes: ReadonlyArray<readonly [string, string]>): Refused => ({ ...row, causes })

const cidr = (...cidrs: ReadonlyArray<unknown>) => ({
  ipRanges: cidrs.map((c) => ({ cidr: c, description: "" }))
})
const described = (description: unknown, own: unknown = "") => ({
  description,
  ipRanges: [{ cidr: "10.0.0.0/8", description: own }]
})
/** EC2's characters, all of them. */
const taken = "azAZ09 ._-:/()#,@[]+=&;{}!$*"

export const accepted: ReadonlyArray<Accepted> = [
  ok(rule("the least", {}), { disableReconciliation: false }),
  ok(rule("a node", { nodeName: "n1" })),
  ok(rule("an address to follow", { publicIPAddress: "203.0.113.7" })),
  ok(rule("the highest address", { publicIPAddress: "255.255.255.255" })),
  ok(rule('"" for unset', { publicIPAddress: "", nodeName: "" })),
  ok(rule("null for absent", { nodeName: null, toPort: null }), { nodeName: undefined, toPort: undefined }),
  ok(rule("null for the default", { disableReconciliation: null }), { disableReconciliation: false }),
  ok(rule("a disabled rule", { disableReconciliation: true }), { disableReconciliation: true }),
  ok(rule("fields that it does not know", { unknown: 1 }), { unknown: undefined }),
  ok(rule("egress", { direction: "Egress" })),
  ok(rule("a range of ports", { fromPort: 8000, toPort: 8100 })),
  ok(rule("port 0 to port 65535", { fromPort: 0, toPort: 65535 })),
  ok(rule("udp", { protocol: "udp", fromPort: 53 })),
  ok(rule("TCP", { protocol: "TCP" })),
  ok(rule("Udp", { protocol: "Udp" })),
  ok(rule("tcp by number", { protocol: "6" })),
  ok(rule("udp by number, with zeros before", { protocol: "017" })),
  ok(rule("icmp type 0", { protocol: "icmp", fromPort: 0 })),
  ok(rule("icmp type and code", { protocol: "icmp", fromPort: 3, toPort: 4 })),
  ok(rule("all of icmp", { protocol: "icmp", fromPort: -1 })),
  ok(rule("all of icmpv6, said twice", { protocol: "ICMPv6", fromPort: -1, toPort: -1 })),
  ok(rule("icmp by number, all codes of a type", { protocol: "1", fromPort: 255, toPort: -1 })),
  ok(rule("everything", { protocol: "-1", fromPort: 0 })),
  ok(rule("everything, whatever its ports", { protocol: "-1", fromPort: -1, toPort: 70000 })),
  ok(rule("another protocol, whatever its ports", { protocol: "50", fromPort: -7, toPort: -9 })),
  ok(rule("protocol 0 and protocol 255", { protocol: "0" })),
  ok(rule("protocol 255", { protocol: "255" })),
  ok(rule("host bits in a range", cidr("10.1.2.3/8"))),
  ok(rule("everybody, and one", cidr("0.0.0.0/0", "203.0.113.7/32"))),
  ok(rule("a range twice", cidr("10.0.0.0/8", "10.0.0.0/8"))),
  ok(
    rule("a thousand ranges", cidr(...Array.from({ length: 1000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`)))
  ),
  ok(rule("a range without a description", { ipRanges: [{ cidr: "10.0.0.0/8" }] }), { ipRanges: ranges }),
  ok(rule("a range whose description is null", { ipRanges: [{ cidr: "10.0.0.0/8", description: null }] }), {
    ipRanges: ranges
  }),
  ok(rule("an empty description", described(""))),
  ok(rule("every character that EC2 takes", described(taken, taken))),
  ok(rule("descriptions of 255", described("d".repeat(255), "e".repeat(255)))),
  ok(rule("any description that is never sent", described("Don't: ü".repeat(1000), "its own"))),
  ok(address("an address without a spec", undefined), {
    disableReconciliation: false,
    preventEIPDeallocation: false
  }),
  ok(address("an address whose spec is null", null), { disableReconciliation: false }),
  ok(address("an address on a node", { nodeName: "n1", preventEIPDeallocation: true }), {
    disableReconciliation: false
  }),
  ok(address("an address on no node", { nodeName: "" }))
]

const port = "Invalid value: must be a port from 0 to 65535"
const type = "Invalid value: must be an ICMP type from 0 to 255, or -1 for all"
const code = "Invalid value: must be an ICMP code from 0 to 255, or -1 for all"
const below = "Invalid value: must not be below fromPort"
const codes = "Invalid value: must be -1, as fromPort is: all types have all codes"
const characters = "a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*"
const sent = `Invalid value: may hold at most 255 of ${characters}, as a range without a description of its own is described by it`
const protocol = "must be tcp, udp, icmp, icmpv6, a protocol number from 0 to 255, or -1 for all"

const noProtocol = (what: string, given: string): Refused =>
  no(rule(what, { protocol: given, fromPort: 0 }), [
    "spec.protocol",
    `Invalid value: ${JSON.stringify(given)}: ${protocol}`
  ])
const noCidr = (what: string, given: string): Refused =>
  no(rule(what, cidr(given)), [
    "spec.ipRanges[0].cidr",
    `Invalid value: ${JSON.stringify(given)}: must be an IPv4 CIDR such as 10.0.0.0/8`
  ])
const noAddress = (what: string, given: string): Refused =>
  no(rule(what, { publicIPAddress: given }), [
    "spec.publicIPAddress",
    `Invalid value: ${JSON.stringify(given)}: must be an IPv4 address`
  ])
const noType = (row: Row, field: string, wanted: string, given: string): Refused =>
  no(row, [field, `Invalid value: "${given}": ${field} in body must be of type ${wanted}: "${given}"`])

export const refused: ReadonlyArray<Refused> = [
  no(rule("a port above 65535", { fromPort: 65536 }), ["spec.fromPort", port]),
  no(rule("a negative port", { protocol: "UDP", fromPort: -1 }), ["spec.fromPort", port]),
  no(rule("a port above 65535, tcp by number", { protocol: "006", fromPort: 70000 }), [
    "spec.fromPort",
    port
  ]),
  no(rule("a last port above 65535", { toPort: 65536 }), ["spec.toPort", port]),
  no(rule("a last port below the first", { fromPort: 90, toPort: 80 }), ["spec.toPort", below]),
  no(
    rule("ports that are wrong in every way", { fromPort: 70000, toPort: -1 }),
    ["spec.fromPort", port],
    ["spec.toPort", port],
    ["spec.toPort", below]
  ),
  no(rule("an icmp type above 255", { protocol: "icmp", fromPort: 256 }), ["spec.fromPort", type]),
  no(rule("an icmp type below -1", { protocol: "58", fromPort: -2 }), ["spec.fromPort", type]),
  no(rule("an icmp code above 255", { protocol: "ICMP", fromPort: 3, toPort: 256 }), ["spec.toPort", code]),
  no(rule("an icmp code below -1", { protocol: "icmpv6", fromPort: 3, toPort: -2 }), ["spec.toPort", code]),
  no(rule("a code of all types", { protocol: "icmp", fromPort: -1, toPort: 3 }), ["spec.toPort", codes]),
  noProtocol("a protocol that is none", "bogus"),
  noProtocol("a name that EC2 does not know", "esp"),
  noProtocol("no protocol", ""),
  noProtocol("a protocol number above 255", "256"),
  noProtocol("a negative protocol number", "-2"),
  noProtocol("a protocol with a space", " tcp"),
  noProtocol("a protocol with a line end", "tcp\n"),
  noProtocol("a protocol of four digits", "0006"),
  no(rule("a protocol that is much too long", { protocol: "t".repeat(17) }), [
    "spec.protocol",
    "Too long: may not be more than 16 bytes"
  ]),
  no(rule("no range", { ipRanges: [] }), [
    "spec.ipRanges",
    "Invalid value: 0: spec.ipRanges in body should have at least 1 items"
  ]),
  no(
    rule("no range, and a port above 65535", { ipRanges: [], fromPort: 65536 }),
    ["spec.ipRanges", "Invalid value: 0: spec.ipRanges in body should have at least 1 items"],
    ["spec.fromPort", port]
  ),
  no(
    rule(
      "more ranges than an interface takes rules",
      cidr(...Array.from({ length: 1001 }, () => "10.0.0.0/8"))
    ),
    ["spec.ipRanges", "Too many: 1001: must have at most 1000 items"]
  ),
  noCidr("an IPv6 range", "::/0"),
  noCidr("a range without a prefix", "10.0.0.0"),
  noCidr("a prefix above 32", "10.0.0.0/33"),
  noCidr("a prefix with a zero before", "10.0.0.0/08"),
  noCidr("an octet above 255", "10.0.0.256/32"),
  noCidr("an octet with a zero before", "010.0.0.0/8"),
  noCidr("three octets", "10.0.0/8"),
  noCidr("an empty range", ""),
  noCidr("a range with a space", "10.0.0.0/8 "),
  noCidr("a range with a line end", "10.0.0.0/8\n"),
  noCidr("a security group", "sg-0123456789abcdef0"),
  no(rule("the second of two ranges", cidr("10.0.0.0/8", "x")), [
    "spec.ipRanges[1].cidr",
    'Invalid value: "x": must be an IPv4 CIDR such as 10.0.0.0/8'
  ]),
  noAddress("an address above 255", "300.1.1.1"),
  noAddress("an IPv6 address", "2001:db8::1"),
  noAddress("an address with a prefix", "203.0.113.7/32"),
  noAddress("a name for an address", "example.com"),
  no(rule("an address that is much too long", { publicIPAddress: "1".repeat(65) }), [
    "spec.publicIPAddress",
    "Too long: may not be more than 64 bytes"
  ]),
  no(rule("a range that is much too long", { ipRanges: [{ cidr: "1".repeat(65) }] }), [
    "spec.ipRanges[0].cidr",
    "Too long: may not be more than 64 bytes"
  ]),
  no(rule("characters in a range's description that EC2 does not take", described("d", "Don't")), [
    "spec.ipRanges[0].description",
    `Invalid value: "Don't": may hold ${characters}`
  ]),
  no(rule("a range's description above 255", described("d", "e".repeat(256))), [
    "spec.ipRanges[0].description",
    "Too long: may not be more than 255 bytes"
  ]),
  no(rule("a description that EC2 does not take, where it is sent", described("Don't")), [
    "spec.description",
    sent
  ]),
  no(rule("a description above 255, where it is sent", described("d".repeat(256))), [
    "spec.description",
    sent
  ]),
  no(rule("no description", { description: undefined }), ["spec.description", "Required value"]),
  no(
    rule("nothing", Object.fromEntries(Object.keys(leastRule).map((name) => [name, undefined]))),
    ["spec.description", "Required value"],
    ["spec.direction", "Required value"],
    ["spec.fromPort", "Required value"],
    ["spec.ipRanges", "Required value"],
    ["spec.protocol", "Required value"]
  ),
  no(rule("null for what is needed", { fromPort: null }), ["spec.fromPort", "Required value"]),
  no(rule("a range without a range", { ipRanges: [{}] }), ["spec.ipRanges[0].cidr", "Required value"]),
  no(rule("a direction that is none", { direction: "In" }), [
    "spec.direction",
    'Unsupported value: "In": supported values: "Ingress", "Egress"'
  ]),
  noType(rule("a port in quotes", { fromPort: "80" }), "spec.fromPort", "integer", "string"),
  noType(rule("a protocol without quotes", { protocol: 6 }), "spec.protocol", "string", "integer"),
  noType(rule("a list for a name", { nodeName: ["n1"] }), "spec.nodeName", "string", "array"),
  noType(rule("an object for a list", { ipRanges: {} }), "spec.ipRanges", "array", "object"),
  noType(rule("null for a range", { ipRanges: [null] }), "spec.ipRanges[0]", "object", "null"),
  noType(rule("text for a range", { ipRanges: ["10.0.0.0/8"] }), "spec.ipRanges[0]", "object", "string"),
  noType(
    rule("text for a switch", { disableReconciliation: "true" }),
    "spec.disableReconciliation",
    "boolean",
    "string"
  ),
  noType(rule("a number for a spec", 7), "spec", "object", "integer"),
  noType(rule("a list for a spec", []), "spec", "object", "array"),
  noType(
    address("text for an address' switch", { preventEIPDeallocation: "yes" }),
    "spec.preventEIPDeallocation",
    "boolean",
    "string"
  ),
  noType(address("a number for an address' node", { nodeName: 1 }), "spec.nodeName", "string", "integer")
]
