/**
 * Sequences of calls to EC2, by chance.
 * Rule: pure; the same draws give the same sequence. Names, ports and ranges are few, so that calls meet.
 */
import type { Direction, IpPermission } from "../../../src/domain/Permission.ts"
import type { Draw } from "../../Draw.ts"
import { chance, one, weighed } from "./Choice.ts"
import type { Made, Ref, Request, Tags } from "./Ec2Request.ts"

const longest = 50

const ref = (draw: Draw, made: Made): Ref =>
  weighed<Ref>(draw, [
    [18, { made, n: draw.below(4) }],
    [1, "unknown"]
  ])

const someRefs = (draw: Draw, made: Made): ReadonlyArray<Ref> =>
  Array.from({ length: 1 + draw.below(2) }, () => ref(draw, made))

const tags: ReadonlyArray<Tags> = [
  {},
  { a: "1" },
  { a: "2", "kubestatic.quortex.io/managed": "true" },
  { "kubestatic.quortex.io/cluster-id": "c", Name: "n" },
  { a: "" }
]
const tagFilters = [
  { a: ["1"] },
  { a: ["1", "2"] },
  { a: ["2"], "kubestatic.quortex.io/managed": ["true"] },
  {}
]

const names = ["one", "two", "One", "kubestatic/c/n1", "kubestatic/c/n2"]
const badNames = ["", "sg-0", "no_ünicode", "x".repeat(256), "a*b?"]

const nothing = { ipv4: [], ipv6: [], prefixLists: [], groups: [] } as const
const protocols = [
  ["tcp", [80, 80]],
  ["tcp", [80, 80]],
  ["tcp", [443, 445]],
  ["TCP", [80, 80]],
  ["6", [80, 80]],
  ["udp", [53, 53]],
  ["icmp", [8, -1]],
  ["icmp", [-1, -1]],
  ["58", [128, 0]],
  ["-1", undefined],
  ["-1", [1, 2]],
  ["50", undefined],
  ["tcp", [90, 80]],
  ["tcp", [1, 70_000]],
  ["tcp", undefined],
  ["icmp", [300, 0]],
  ["icmp", [-1, 3]],
  ["bogus", [1, 1]],
  ["300", [1, 1]]
] as const
const ranges = [
  "10.0.0.0/8",
  "10.0.0.0/8",
  "10.1.2.3/8",
  "192.0.2.0/24",
  "0.0.0.0/0",
  "nonsense",
  "192.0.2.0"
]
const ranges6 = ["2001:db8::/32", "2001:db8::1/32", "::/0"]
const descriptions = ["", "", "by hand", "also"]
const badDescriptions = ["no ünicode", "x".repeat(256)]

const permission = (draw: Draw): IpPermission => {
  // The first are right.
  const isRight = chance(draw, 90)
  const [protocol, ports] = one(draw, isRight ? protocols.slice(0, 12) : protocols)
  const range = (among: ReadonlyArray<string>) => ({
    source: one(draw, among),
    description: one(draw, chance(draw, 95) ? descriptions : badDescriptions)
  })
  const ipv4 = Array.from({ length: draw.below(3) }, () => range(isRight ? ranges.slice(0, 5) : ranges))
  const ipv6 = ipv4.length === 0 || chance(draw, 15) ? [range(ranges6)] : []
  return { ...nothing, protocol, fromPort: ports?.[0], toPort: ports?.[1], ipv4, ipv6 }
}

const ruling = (draw: Draw) => ({
  group: ref(draw, "group"),
  direction: one<Direction>(draw, ["Ingress", "Ingress", "Egress"]),
  permissions: Array.from({ length: 1 + draw.below(2) }, () => permission(draw)),
  sources: chance(draw, 10) ? [ref(draw, "group")] : []
})

type Rules =
  | "authorizeSecurityGroupRules"
  | "revokeSecurityGroupRules"
  | "updateSecurityGroupRuleDescriptions"
type Asked<C extends Request["call"]> = C extends Rules
  ? Extract<Request, { readonly call: Rules }>
  : Extract<Request, { readonly call: C }>

const draws: { readonly [C in Request["call"]]: (draw: Draw) => Asked<C> } = {
  allocateAddress: (draw) => ({ call: "allocateAddress", tags: one(draw, tags) }),
  associateAddress: (draw) => ({
    call: "associateAddress",
    address: ref(draw, "address"),
    interface: ref(draw, "interface")
  }),
  disassociateAddress: (draw) => ({ call: "disassociateAddress", association: ref(draw, "association") }),
  releaseAddress: (draw) => ({ call: "releaseAddress", address: ref(draw, "address") }),
  createSecurityGroup: (draw) => ({
    call: "createSecurityGroup",
    name: one(draw, chance(draw, 90) ? names : badNames),
    description: chance(draw, 95) ? "of a test" : one(draw, ["", ...badDescriptions]),
    vpc: ref(draw, "vpc"),
    tags: one(draw, tags)
  }),
  deleteSecurityGroup: (draw) => ({ call: "deleteSecurityGroup", group: ref(draw, "group") }),
  authorizeSecurityGroupRules: (draw) => ({ call: "authorizeSecurityGroupRules", ...ruling(draw) }),
  revokeSecurityGroupRules: (draw) => ({ call: "revokeSecurityGroupRules", ...ruling(draw) }),
  updateSecurityGroupRuleDescriptions: (draw) => ({
    call: "updateSecurityGroupRuleDescriptions",
    ...ruling(draw)
  }),
  modifyNetworkInterfaceGroups: (draw) => ({
    call: "modifyNetworkInterfaceGroups",
    interface: ref(draw, "interface"),
    groups: [
      ...(chance(draw, 60) ? [{ made: "default-group", n: 0 } as const] : []),
      ...Array.from({ length: draw.below(4) }, () => ref(draw, "group"))
    ]
  }),
  createTags: (draw) => ({
    call: "createTags",
    resources: someRefs(draw, one<Made>(draw, ["address", "group", "interface", "instance"])),
    tags: one(draw, tags)
  }),
  describeAddresses: (draw) => ({
    call: "describeAddresses",
    ...(chance(draw, 40) ? { ids: someRefs(draw, "address") } : {}),
    ...(chance(draw, 40) ? { tags: one(draw, tagFilters) } : {})
  }),
  describeSecurityGroups: (draw) => ({
    call: "describeSecurityGroups",
    ...(chance(draw, 30) ? { ids: someRefs(draw, "group") } : {}),
    ...(chance(draw, 30) ? { tags: one(draw, tagFilters) } : {}),
    ...(chance(draw, 20) ? { names: [one(draw, names)] } : {}),
    ...(chance(draw, 20) ? { vpcs: [ref(draw, "vpc")] } : {})
  }),
  describeInstances: (draw) => ({ call: "describeInstances", ids: someRefs(draw, "instance") }),
  describeNetworkInterfaces: (draw) => ({
    call: "describeNetworkInterfaces",
    ...(chance(draw, 40) ? { ids: someRefs(draw, "interface") } : {}),
    ...(chance(draw, 30) ? { groups: someRefs(draw, "group") } : {}),
    ...(chance(draw, 30) ? { instances: someRefs(draw, "instance") } : {})
  }),
  terminate: (draw) => ({ call: "terminate", instance: ref(draw, "instance") })
}

/** 1 to 50 calls; it begins with what makes the rest worthwhile. */
export const sequence = (draw: Draw): ReadonlyArray<Request> => {
  const length = 1 + draw.below(longest)
  return Array.from({ length }, (_, n) => {
    const call = weighed<Request["call"]>(draw, [
      [n < 6 ? 15 : 3, "allocateAddress"],
      [n < 6 ? 15 : 3, "createSecurityGroup"],
      [6, "associateAddress"],
      [3, "disassociateAddress"],
      [3, "releaseAddress"],
      [2, "deleteSecurityGroup"],
      [9, "authorizeSecurityGroupRules"],
      [5, "revokeSecurityGroupRules"],
      [2, "updateSecurityGroupRuleDescriptions"],
      [4, "modifyNetworkInterfaceGroups"],
      [2, "createTags"],
      [2, "describeAddresses"],
      [3, "describeSecurityGroups"],
      [1, "describeInstances"],
      [2, "describeNetworkInterfaces"],
      [1, "terminate"]
    ])
    return draws[call](draw)
  })
}
