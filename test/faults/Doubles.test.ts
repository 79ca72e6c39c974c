/**
 * Faults together that once did harm, each by the names of its calls.
 * Rule: both are met, or the test fails: what is tried here cannot fade when calls are added.
 */
import { assert, describe, it } from "@effect/vitest"
import { addressLabel } from "../../src/domain/Names.ts"
import { nodes } from "../../src/kubernetes/Kubernetes.ts"
import type { Outcome } from "../../src/simulation/faults/Outcome.ts"
import { check } from "./Enumerate.ts"
import { type Choice, run } from "./Run.ts"
import * as Steps from "./Steps.ts"
import { find, type Workload } from "./Workload.ts"

type Given = readonly [call: string, n: number, outcome: Outcome]

/** A rule is opened in a group that others write to, cleared by its author, and deleted a minute later. */
const inACrowd: Workload = {
  name: "in a crowd",
  steps: [
    Steps.launch("a", Steps.plain),
    Steps.rule("q", { nodeName: "a", ipRanges: [{ cidr: "192.0.1.0/24" }] }),
    Steps.wait(130_000),
    Steps.after(300, Steps.rule("r", { nodeName: "a" })),
    Steps.after(100, Steps.change("FirewallRule", "r", { spec: { nodeName: null } })),
    Steps.after(60_000, Steps.remove("FirewallRule", "r")),
    Steps.rule("s", { nodeName: "a", ipRanges: [{ cidr: "192.0.2.0/24" }] })
  ]
}
/** A rule is moved, moved back, and deleted. */
const thereAndBack: Workload = {
  name: "there and back",
  steps: [
    Steps.soon(Steps.launch("a", Steps.plain)),
    Steps.launch("b", Steps.plain),
    Steps.rule("r", { nodeName: "a" }),
    Steps.after(700, Steps.change("FirewallRule", "r", { spec: { nodeName: "b" } })),
    Steps.after(5_000, Steps.change("FirewallRule", "r", { spec: { nodeName: "a" } })),
    Steps.remove("FirewallRule", "r")
  ]
}

/** An ExternalIP that is disabled right after it was attached, for half an hour. */
const disabledAtOnce: Workload = {
  name: "disabled at once",
  steps: [
    Steps.launch("a", Steps.plain),
    Steps.after(200, Steps.address("e", { nodeName: "a" })),
    Steps.after(30 * 60_000, Steps.change("ExternalIP", "e", { spec: { disableReconciliation: true } }))
  ]
}
/** An address leaves its node to another one, and is wanted back; EC2 would push the other one off. */
const wantedBack: Workload = {
  name: "wanted back",
  isRace: true,
  steps: [
    Steps.conditions("an address displaces another one", { occupiedInterface: "displaced" }),
    Steps.launch("a", Steps.plain),
    Steps.address("e", { nodeName: "a" }),
    Steps.wait(130_000),
    Steps.change("ExternalIP", "e", { spec: { nodeName: null } }),
    Steps.address("f", { nodeName: "a" }),
    Steps.after(10_000, Steps.change("ExternalIP", "e", { spec: { nodeName: "a" } }))
  ]
}
/** The same, and then the other one leaves. */
const givenBack: Workload = {
  name: "given back",
  isRace: true,
  steps: [
    Steps.soon(Steps.launch("a", Steps.plain)),
    Steps.launch("b", Steps.plain),
    Steps.address("e", { nodeName: "a" }),
    Steps.wait(130_000),
    Steps.after(2_000, Steps.change("ExternalIP", "e", { spec: { nodeName: null } })),
    Steps.after(5_000, Steps.address("f", { nodeName: "a" })),
    Steps.soon(Steps.change("ExternalIP", "e", { spec: { nodeName: "a" } })),
    Steps.after(60_000, Steps.change("ExternalIP", "f", { spec: { nodeName: "b" } }))
  ]
}
/** A second object has the status of the first, as a backup brings it back, and the first one moves. */
const copied: Workload = {
  name: "copied",
  isRace: true,
  steps: [
    Steps.soon(Steps.launch("a", Steps.plain)),
    Steps.launch("b", Steps.plain),
    Steps.address("e", { nodeName: "a" }),
    Steps.step("f is made with the status of e", ({ act, cluster }) => {
      const status = cluster.get(Steps.externalIPs, { name: "e" })?.status
      const spec = { nodeName: "a", disableReconciliation: true }
      act(cluster.create(Steps.externalIPs, { metadata: { name: "f" }, spec }))
      act(cluster.patch(Steps.externalIPs, { name: "f" }, { status }, "status"))
    }),
    Steps.change("ExternalIP", "e", { spec: { nodeName: "b" } })
  ]
}

/** Two addresses are swapped, one with a rule that follows it. */
const swapped: Workload = {
  name: "swapped",
  isRace: true,
  steps: [
    Steps.soon(Steps.launch("a", Steps.plain)),
    Steps.launch("b", Steps.plain),
    Steps.soon(Steps.address("e", { nodeName: "a" })),
    Steps.address("f", { nodeName: "b" }),
    Steps.soon(Steps.follow("r", "e")),
    Steps.wait(130_000),
    Steps.after(20, Steps.change("ExternalIP", "e", { spec: { nodeName: "b" } })),
    Steps.change("ExternalIP", "f", { spec: { nodeName: "a" } })
  ]
}

type Story = readonly [what: string, workload: string | Workload, ...given: ReadonlyArray<Given>]

const stories: ReadonlyArray<Story> = [
  [
    "an address that EC2 does not know yet, and whose release is not answered, is released once it does",
    "address-deleted-while-allocating",
    ["AllocateAddress", 1, "slow to show"],
    ["ReleaseAddress", 1, "lost answer"]
  ],
  [
    "an address that EC2 does not know yet, and whose release failed, is released once it does",
    "address-deleted-while-allocating",
    ["AllocateAddress", 1, "slow to show"],
    ["ReleaseAddress", 1, "InternalError"]
  ],
  [
    "a kept address that EC2 says is on nothing is detached before its object goes",
    "kept-address-taken-back",
    ["DisassociateAddress", 1, "InvalidAssociationID.NotFound"],
    ["patch externalips", 1, "crash after"]
  ],
  [
    "a rule that is deleted while its group is being made waits for the group's actor",
    "everything-at-once",
    ["ADDED nodes", 1, "500"],
    ["ADDED firewallrules", 2, "500"]
  ],
  [
    "a list of nodes that is behind is not acted upon before a watch goes on from it",
    "after-the-go-implementation",
    ["list nodes", 1, "behind by 3"],
    ["watch nodes", 1, "500"]
  ],
  [
    "a list of rules that is behind is not acted upon before a watch goes on from it",
    "after-the-go-implementation",
    ["list firewallrules", 1, "behind by 3"],
    ["watch firewallrules", 1, "500"]
  ],
  [
    "nor while that watch fails with its first event",
    "after-the-go-implementation",
    ["list firewallrules", 1, "behind by 3"],
    ["ADDED firewallrules", 1, "500"]
  ],
  [
    "nor when that watch ends before its first event",
    "after-the-go-implementation",
    ["list nodes", 1, "behind by 3"],
    ["ADDED nodes", 1, "closed"]
  ],
  [
    "a process that ends at two calls ends once",
    "taken-off-by-hand-twice",
    ["patch externalips/status", 1, "crash after"],
    ["create events", 1, "crash before"]
  ],
  [
    "a list of groups that arrives long after it was given up takes off what others put on meanwhile: nobody can know",
    "the-61st-rule",
    ["ModifyNetworkInterfaceAttribute", 1, "late"],
    ["AuthorizeSecurityGroupIngress", 2, "hand: foreign group put on"]
  ],
  [
    "a rule that EC2 does not show to the next process is not taken for closed when it is deleted",
    "two-rules-on-one-port",
    ["DescribeNetworkInterfaces", 2, "crash after"],
    ["DescribeSecurityGroups", 2, "behind by 3"]
  ],
  [
    "nor is one whose group it does not show",
    "rule-deleted-after-its-node",
    ["DescribeNetworkInterfaces", 3, "crash after"],
    ["DescribeSecurityGroups", 3, "behind by all"]
  ],
  [
    "nor is one that is shown where it was, and not where the last process has opened it as well",
    "rule-deleted-while-it-moves",
    ["DescribeNetworkInterfaces", 3, "crash after"],
    ["DescribeSecurityGroups", 3, "behind by 3"]
  ],
  [
    "nor when the read that must show it is not believed, because the group was just written to",
    inACrowd,
    ["AuthorizeSecurityGroupIngress", 2, "crash after"],
    ["DescribeSecurityGroups", 3, "behind by 1"]
  ],
  [
    "nor when it was moved back before the next process came",
    thereAndBack,
    ["DescribeNetworkInterfaces", 3, "crash after"],
    ["DescribeSecurityGroups", 3, "behind by 3"]
  ],
  [
    "what was opened is still believed to be open after a deletion of its group that was not answered",
    "odd-rules+address-created",
    ["AuthorizeSecurityGroupEgress", 1, "slow to show"],
    ["DeleteSecurityGroup", 1, "no answer"]
  ],
  [
    "an extra address whose release is not answered is asked after at once",
    "everything-at-once",
    ["AllocateAddress", 2, "twice"],
    ["ReleaseAddress", 2, "no answer"]
  ],
  [
    "an address leaves the node it does not name when the one it names has got another: nobody waits for ever",
    "three-nodes-at-once+addresses-swapped",
    ["create externalips", 1, "late"]
  ],
  [
    "an association that EC2 still shows to the next process after it was ended is not believed",
    "address-kept",
    ["patch externalips", 3, "crash after"],
    ["DescribeAddresses", 4, "behind by 3"]
  ],
  [
    "a label is not taken off because EC2 does not show the next process what the last one attached",
    "node-joins",
    ["patch nodes", 1, "crash after"],
    ["DescribeAddresses", 2, "behind by 3"]
  ],
  [
    "an address that is shown nowhere pushes none off that the node is labelled with",
    wantedBack,
    ["patch externalips/status", 8, "crash before"],
    ["DescribeAddresses", 2, "behind by all"],
    ["DescribeInstances", 3, "behind by all"]
  ],
  [
    "an address in doubt does not keep the label of one that is leaving",
    givenBack,
    ["DisassociateAddress", 1, "slow to show"],
    ["patch nodes", 4, "crash before"]
  ],
  [
    "addresses that were swapped stay where they are, whatever EC2 shows the next process of how they were",
    swapped,
    ["patch firewallrules/status", 3, "crash after"],
    ["DescribeAddresses", 2, "behind by all"],
    ["DescribeInstances", 6, "behind by all"]
  ],
  ["a status that tells another object's address keeps no label", copied],
  [
    "a group that turns up late, and that EC2 says is gone while it is there, is deleted later",
    "rule-deleted-while-it-moves",
    ["CreateSecurityGroup", 1, "orphaned"],
    ["DeleteSecurityGroup", 2, "InvalidGroup.NotFound"]
  ]
]

/** The numbers of the calls: a fault changes what comes after it and nothing before. */
const choiceOf = (workload: Workload, given: ReadonlyArray<Given>): Choice => {
  const choice = new Map<number, Outcome>()
  for (const [call, n, outcome] of given) {
    const point = run(workload, choice, { skipRest: true }).points.filter((p) => p.name === call)[n - 1]
    if (point === undefined) throw new Error(`${workload.name} makes no ${call} number ${n}`)
    choice.set(point.n, outcome)
  }
  return choice
}

describe("faults together", () => {
  for (const [what, named, ...given] of stories) {
    it(what, () => {
      const workload = typeof named === "string" ? find(named) : named
      if (workload === undefined) throw new Error(`no workload ${named}`)
      const made = check(workload, choiceOf(workload, given))
      assert.deepStrictEqual(
        made.met.map(([point, outcome]) => `${point.name}: ${outcome}`),
        given.map(([call, , outcome]) => `${call}: ${outcome}`)
      )
      assert.deepStrictEqual(made.violations, [])
    })
  }

  const whileDown: ReadonlyArray<readonly [string, Steps.Step]> = [
    ["somebody else's address is put in its place", Steps.strangerOn("a")],
    [
      "it is released, and no other one is to be had",
      Steps.step("the address is released", ({ act, ec2 }) => {
        for (const { allocationId, association } of ec2.addresses())
          if (association !== undefined) act(ec2.hand.release(allocationId))
        act(ec2.change({ quotas: { addresses: 0 } }))
      })
    ]
  ]
  for (const [what, step] of whileDown) {
    it(`a label that is false does not outlive a start: ${what} while no operator runs`, () => {
      const seen: Array<boolean> = []
      const look = Steps.step("the label is looked at", ({ cluster }) => {
        seen.push(Object.hasOwn(cluster.get(nodes, { name: "a" })?.metadata.labels ?? {}, addressLabel))
      })
      const workload: Workload = {
        name: what,
        steps: [
          Steps.launch("a", Steps.plain),
          Steps.address("e", { nodeName: "a" }),
          Steps.wait(180_000),
          // What it dies at.
          Steps.after(300, Steps.change("ExternalIP", "e", { spec: { preventEIPDeallocation: true } })),
          Steps.after(0, look),
          Steps.after(10_000, step),
          look
        ]
      }
      const choice = choiceOf(workload, [["patch externalips/status", 4, "crash before"]])
      seen.length = 0
      run(workload, choice, { skipRest: true })
      assert.deepStrictEqual(seen, [true, false])
    })
  }

  it("a node whose address nobody may attach again is labelled once EC2 must show that it is there", () => {
    const { end, violations } = run(
      disabledAtOnce,
      choiceOf(disabledAtOnce, [["patch nodes", 1, "crash before"]])
    )
    assert.include(end.split("\n"), "node a labelled")
    assert.deepStrictEqual(violations, [])
  })
})
