/**
 * The workloads: everything that users do, each as a short list of steps.
 * Rule: each begins in an empty world, or in one that others left; together they make every call that there is.
 */
import { Duration } from "effect"
import { autoAssignLabel } from "../../src/domain/Names.ts"
import type { Settings } from "../../src/operator/Settings.ts"
import type { Outcome } from "../../src/simulation/faults/Outcome.ts"
import * as GoLeftovers from "./GoLeftovers.ts"
import * as Steps from "./Steps.ts"
import {
  address,
  after,
  allow,
  change,
  die,
  follow,
  launch,
  launchUnnamed,
  plain,
  pod,
  podEnds,
  podGoes,
  remove,
  rule,
  type Step,
  soon,
  vanish,
  wait
} from "./Steps.ts"

export interface Workload {
  readonly name: string
  readonly steps: ReadonlyArray<Step>
  /** Before the operator starts. */
  readonly before?: ReadonlyArray<Step>
  readonly operators?: number
  readonly settings?: Partial<Settings["Service"]>
  /** Happens in every run of it: the n-th (from 1) call of that name. */
  readonly given?: ReadonlyArray<readonly [call: string, n: number, outcome: Outcome]>
  /** Steps overtake each other: how it ends depends on which is first, so only that it ends well is compared. */
  readonly isRace?: boolean
  readonly keepsAddresses?: boolean
  /** What others do in EC2 shows in a sweep and nowhere else. */
  readonly needsSweeps?: boolean
  /** Everything is under way until it is chosen: a choice says of the n-th delivery which of those it is. */
  readonly isMail?: boolean
  /** Milliseconds of rest at the end; two sweeps and more where it is not said. */
  readonly rest?: number
}

const everyEgress = [
  "UpdateSecurityGroupRuleDescriptionsIngress",
  "UpdateSecurityGroupRuleDescriptionsEgress"
]
const ranges = (n: number) => Array.from({ length: n }, (_, i) => ({ cidr: `10.0.${i}.0/24` }))
const nodeName = "a"
const raised = Steps.conditions("the quota of rules is raised", { quotas: { rulesPerGroup: 100 } })

const addresses: ReadonlyArray<Workload> = [
  { name: "node-joins", steps: [launch("a")] },
  { name: "node-joins-unnamed", steps: launchUnnamed("a") },
  { name: "three-nodes-at-once", steps: [soon(launch("a")), soon(launch("b")), launch("c")] },
  { name: "node-deleted", steps: [launch("a"), vanish("a")] },
  { name: "instance-dies-first", steps: [launch("a"), ...die("a")] },
  { name: "node-deleted-while-served", steps: [soon(launch("a")), vanish("a")], isRace: true },
  { name: "node-replaced", steps: [launch("a"), soon(vanish("a")), launch("a")] },
  { name: "node-replaced-by-another", steps: [launch("a"), soon(vanish("a")), launch("b")], isRace: true },
  { name: "address-created", steps: [address("e")] },
  { name: "address-on-node", steps: [launch("a", plain), address("e", { nodeName })] },
  { name: "address-before-its-node", steps: [address("e", { nodeName }), launch("a", plain)] },
  {
    name: "address-moved",
    steps: [
      soon(launch("a", plain)),
      launch("b", plain),
      address("e", { nodeName }),
      change("ExternalIP", "e", { spec: { nodeName: "b" } })
    ]
  },
  {
    name: "addresses-swapped",
    steps: [
      soon(launch("a", plain)),
      launch("b", plain),
      address("e", { nodeName }),
      address("f", { nodeName: "b" }),
      soon(change("ExternalIP", "e", { spec: { nodeName: "b" } })),
      change("ExternalIP", "f", { spec: { nodeName: "a" } })
    ]
  },
  {
    name: "two-for-one-node",
    steps: [
      launch("a", plain),
      address("e", { nodeName }),
      address("f", { nodeName }),
      remove("ExternalIP", "e")
    ]
  },
  {
    name: "node-holds-anothers-address",
    needsSweeps: true,
    steps: [
      launch("a", plain),
      Steps.strangerOn("a"),
      after(10_000, address("e", { nodeName })),
      Steps.strangerOff
    ]
  },
  {
    name: "address-cleared",
    steps: [
      launch("a", plain),
      address("e", { nodeName }),
      change("ExternalIP", "e", { spec: { nodeName: null } })
    ]
  },
  {
    name: "address-deleted",
    steps: [launch("a", plain), address("e", { nodeName }), remove("ExternalIP", "e")]
  },
  {
    name: "address-deleted-while-allocating",
    steps: [soon(address("e")), remove("ExternalIP", "e")],
    isRace: true
  },
  {
    name: "address-kept",
    keepsAddresses: true,
    steps: [
      launch("a", plain),
      address("e", { nodeName, preventEIPDeallocation: true }),
      // Kept until after a sweep: an address that a repeated request bought is found by one, while its object lives.
      wait(6 * 60_000),
      remove("ExternalIP", "e"),
      address("e", { nodeName })
    ]
  },
  {
    name: "kept-address-taken-back",
    keepsAddresses: true,
    settings: { preventEIPDeallocation: true },
    steps: [
      launch("a"),
      wait(6 * 60_000),
      Steps.step("the ExternalIP of a is deleted", (world) => {
        for (const { metadata } of world.cluster.all(Steps.externalIPs)) {
          world.act(world.cluster.remove(Steps.externalIPs, { name: String(metadata.name) }))
        }
      })
    ]
  },
  {
    name: "address-disabled",
    steps: [
      launch("a", plain),
      address("e", { nodeName }),
      after(5_000, change("ExternalIP", "e", { spec: { disableReconciliation: true } })),
      change("ExternalIP", "e", { spec: { disableReconciliation: false } })
    ]
  },
  {
    name: "label-on-and-off",
    steps: [
      launch("a", plain),
      change("Node", "a", { metadata: { labels: { [autoAssignLabel]: "true" } } }),
      change("Node", "a", { metadata: { labels: { [autoAssignLabel]: null } } })
    ]
  },
  {
    name: "cordoned",
    steps: [launch("a"), soon(change("Node", "a", { spec: { unschedulable: true } })), launch("b")],
    isRace: true
  },
  {
    name: "cordoned-with-pod",
    steps: [
      launch("a"),
      pod("p", "a"),
      soon(change("Node", "a", { spec: { unschedulable: true } })),
      launch("b"),
      podEnds("p"),
      podGoes("p")
    ],
    isRace: true
  },
  { name: "taken-off-by-hand-twice", needsSweeps: true, steps: [launch("a"), Steps.takenOff, Steps.takenOff] }
]

const rules: ReadonlyArray<Workload> = [
  { name: "rule-added", steps: [launch("a", plain), rule("r", { nodeName })] },
  {
    name: "rule-changed",
    steps: [
      launch("a", plain),
      rule("r", { nodeName }),
      change("FirewallRule", "r", { spec: { fromPort: 81 } }),
      change("FirewallRule", "r", { spec: { ipRanges: [{ cidr: "10.0.0.0/8" }, { cidr: "192.0.2.0/24" }] } }),
      change("FirewallRule", "r", { spec: { protocol: "udp" } }),
      change("FirewallRule", "r", { spec: { description: "other" } })
    ]
  },
  {
    name: "descriptions-changed",
    steps: [
      allow(...everyEgress),
      launch("a", plain),
      rule("r", { nodeName }),
      rule("s", { nodeName, direction: "Egress" }),
      change("FirewallRule", "r", { spec: { description: "other" } }),
      change("FirewallRule", "s", { spec: { description: "other" } })
    ]
  },
  {
    name: "two-rules-on-one-port",
    steps: [
      launch("a", plain),
      soon(rule("r", { nodeName })),
      rule("s", { nodeName, ipRanges: [{ cidr: "192.0.2.0/24" }] }),
      remove("FirewallRule", "s")
    ]
  },
  {
    name: "the-same-rule-twice",
    steps: [
      launch("a", plain),
      soon(rule("r", { nodeName })),
      rule("s", { nodeName, description: "other" }),
      soon(remove("FirewallRule", "r")),
      remove("FirewallRule", "s")
    ]
  },
  {
    name: "odd-rules",
    steps: [
      launch("a", plain),
      soon(rule("icmp", { nodeName, protocol: "icmp", fromPort: 0 })),
      soon(rule("all", { nodeName, protocol: "-1", ipRanges: [{ cidr: "192.0.2.0/24" }] })),
      soon(rule("bits", { nodeName, ipRanges: [{ cidr: "10.1.2.3/8" }] })),
      rule("out", { nodeName, direction: "Egress", toPort: 90 })
    ]
  },
  {
    name: "the-61st-rule",
    steps: [
      launch("a", plain),
      rule("many", { nodeName, ipRanges: ranges(60) }),
      after(30_000, rule("one-more", { nodeName, ipRanges: [{ cidr: "192.0.2.0/24" }] })),
      raised
    ]
  },
  {
    name: "rule-moved",
    steps: [
      soon(launch("a", plain)),
      launch("b", plain),
      rule("r", { nodeName }),
      change("FirewallRule", "r", { spec: { nodeName: "b" } })
    ]
  },
  {
    name: "rule-deleted-while-it-moves",
    steps: [
      soon(launch("a", plain)),
      launch("b", plain),
      rule("r", { nodeName }),
      soon(change("FirewallRule", "r", { spec: { nodeName: "b" } })),
      remove("FirewallRule", "r")
    ]
  },
  {
    name: "rule-cleared-and-deleted",
    steps: [
      launch("a", plain),
      rule("r", { nodeName }),
      change("FirewallRule", "r", { spec: { nodeName: null } }),
      remove("FirewallRule", "r")
    ]
  },
  {
    name: "rule-deleted-after-its-node",
    steps: [launch("a", plain), rule("r", { nodeName }), soon(vanish("a")), remove("FirewallRule", "r")]
  },
  {
    name: "node-of-a-rule-replaced",
    steps: [launch("a", plain), rule("r", { nodeName }), soon(vanish("a")), launch("a", plain)]
  },
  { name: "rule-before-its-node", steps: [rule("r", { nodeName }), launch("a", plain)] },
  {
    name: "rule-disabled-and-deleted",
    steps: [
      launch("a", plain),
      rule("r", { nodeName }),
      after(5_000, change("FirewallRule", "r", { spec: { disableReconciliation: true } })),
      remove("FirewallRule", "r")
    ]
  },
  {
    name: "rule-follows-address",
    steps: [
      soon(launch("a", plain)),
      launch("b", plain),
      address("e", { nodeName }),
      follow("r", "e"),
      change("ExternalIP", "e", { spec: { nodeName: "b" } }),
      remove("ExternalIP", "e")
    ]
  }
]

const both: ReadonlyArray<Workload> = [
  {
    name: "everything-at-once",
    isRace: true,
    steps: [
      soon(launch("a")),
      soon(launch("b")),
      soon(rule("r", { nodeName })),
      soon(rule("s", { nodeName: "b" })),
      soon(address("e")),
      soon(vanish("a")),
      soon(launch("c")),
      soon(remove("FirewallRule", "s")),
      remove("ExternalIP", "e")
    ]
  },
  {
    name: "edited-at-the-same-time",
    given: [
      ["patch nodes", 1, "409"],
      ["patch externalips/status", 2, "409"],
      ["patch firewallrules/status", 1, "409"]
    ],
    steps: [launch("a"), rule("r", { nodeName })]
  },
  {
    name: "leader-changes",
    operators: 2,
    // A lease is renewed every two seconds for as long as it lasts.
    rest: 3_000,
    steps: [
      soon(launch("a")),
      after(2_000, rule("r", { nodeName })),
      Steps.leaseGoes,
      Steps.leaseIsFreed,
      launch("b")
    ]
  },
  {
    name: "after-the-go-implementation",
    before: [GoLeftovers.leave],
    steps: [
      rule("s", { nodeName, ipRanges: [{ cidr: "192.0.2.0/24" }] }),
      remove("FirewallRule", "r"),
      remove("ExternalIP", "e")
    ]
  }
]

export const workloads: ReadonlyArray<Workload> = [...addresses, ...rules, ...both]

/** Two nodes, two addresses, two rules, and everything that is done to them done at once. */
export const smallWorld: Workload = {
  name: "small-world",
  isMail: true,
  isRace: true,
  steps: [
    after(0, launch("a")),
    after(0, launch("b", plain)),
    after(0, address("e", { nodeName: "b" })),
    after(0, rule("r", { nodeName })),
    after(0, rule("s", { nodeName: "b" })),
    after(0, change("FirewallRule", "r", { spec: { nodeName: "b" } })),
    after(0, change("ExternalIP", "e", { spec: { nodeName: null } })),
    after(0, remove("FirewallRule", "s"))
  ]
}

const named = (name: string): Workload | undefined => [...workloads, smallWorld].find((w) => w.name === name)

/** What can follow another one in the same world: it asks for nothing of its own and leaves nothing behind. */
export const chainable: ReadonlyArray<Workload> = workloads.filter(
  (w) =>
    w.before === undefined &&
    w.given === undefined &&
    w.operators === undefined &&
    w.settings === undefined &&
    w.keepsAddresses !== true &&
    !w.steps.some((s) => s === raised)
)

/** One after the other, everything deleted in between. */
export const chain = (parts: ReadonlyArray<Workload>): Workload => ({
  name: parts.map((w) => w.name).join("+"),
  steps: parts.flatMap((w, n) => (n === 0 ? w.steps : [...Steps.everythingGoes, ...w.steps])),
  isRace: parts.some((w) => w.isRace === true),
  needsSweeps: parts.some((w) => w.needsSweeps === true)
})

/** By its name, or those of the parts of a chain. */
export const find = (name: string): Workload | undefined => {
  const parts = name.split("+").flatMap((part) => named(part) ?? [])
  const [first] = parts
  if (parts.length !== name.split("+").length) return undefined
  return parts.length === 1 ? first : chain(parts)
}

/** Without the two timers that could hide a lost wake: what settles then settles by events alone. */
export const byEventsAlone = (workload: Workload): Workload => ({
  ...workload,
  settings: {
    ...workload.settings,
    driftInterval: Duration.infinity,
    nodeReconciliationRequeueInterval: Duration.infinity
  }
})
