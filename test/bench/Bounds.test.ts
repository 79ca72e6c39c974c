/** What no machine changes: world time against EC2's floor, and what is asked of both worlds. */
import { assert, describe, it } from "@effect/vitest"
import * as Calls from "./Calls.ts"
import * as Converge from "./Converge.ts"
import { chain, floorOf } from "./Floor.ts"

describe("nodes that join in one moment", () => {
  it("are served in the time of one node's serial chain below the burst", async () => {
    const { refused, seconds } = await Converge.nodesAtOnce(10)
    assert.isAtMost(seconds, 1.2 * chain)
    assert.strictEqual(refused, 0)
  })

  it("are served as fast as EC2's buckets allow above it", async () => {
    const { refused, seconds } = await Converge.nodesAtOnce(100)
    assert.isAtMost(seconds, 1.01 * floorOf("AssociateAddress", 100) + chain)
    assert.isAtLeast(seconds, floorOf("AssociateAddress", 100))
    assert.strictEqual(refused, 0)
  })

  it("use the share of the buckets that they may use, and all of it", async () => {
    const { seconds } = await Converge.nodesAtOnce(60, { ec2RateShare: 0.5 })
    assert.isAtMost(seconds, 1.01 * floorOf("AssociateAddress", 60, 0.5) + chain)
    assert.isAtLeast(seconds, floorOf("AssociateAddress", 60, 0.5))
  })

  it("are served in time, and without a storm, when every fifth request is refused by chance", async () => {
    const { calls, refused, seconds } = await Converge.nodesAtOnce(200, { conditions: { crowding: 0.2 } })
    assert.isAtMost(seconds, 1.5 * floorOf("AssociateAddress", 200, 0.8))
    assert.isAtMost(refused, 0.35 * (calls - refused))
  })

  it("cost two mutating calls each, and a handful of describes together", async () => {
    const { ec2, kubernetes } = await Calls.addresses(100)
    assert.deepStrictEqual(
      Object.fromEntries([...ec2].filter(([action]) => !action.startsWith("Describe"))),
      {
        AllocateAddress: 100,
        AssociateAddress: 100
      }
    )
    assert.isAtMost(
      Calls.total(ec2, (action) => action.startsWith("Describe")),
      2 + 2
    )
    assert.deepStrictEqual(
      Object.fromEntries([...kubernetes].filter(([write]) => !write.includes("Event"))),
      {
        "create ExternalIP": 100,
        "patch ExternalIP/status": 300,
        "patch Node": 100
      }
    )
  })
})

describe("rules that are asked for in one moment", () => {
  it("are open as fast as one group per node can be made", async () => {
    const { seconds } = await Converge.rulesAtOnce(100, 3)
    assert.isAtMost(seconds, 1.01 * floorOf("CreateSecurityGroup", 100) + 1.1)
  })

  it("cost four mutating calls per node, however many they are, and five with egress rules", async () => {
    const mutating = (ec2: Calls.Books["ec2"]) => Calls.total(ec2, (action) => !action.startsWith("Describe"))
    const ingress = await Calls.rules(20, 5, ["Ingress"])
    assert.strictEqual(mutating(ingress.ec2), 4 * 20)
    assert.isAtMost(
      Calls.total(ingress.ec2, (action) => action.startsWith("Describe")),
      2 + 2 + 2 * 20
    )
    const both = await Calls.rules(20, 5, ["Ingress", "Egress"])
    assert.strictEqual(mutating(both.ec2), 5 * 20)
  })
})

describe("an hour at rest", () => {
  it("costs three describes per sweep and writes nothing", async () => {
    const { ec2, kubernetes, sweeps } = await Calls.atRest(20, 1)
    assert.strictEqual(sweeps, 12)
    assert.deepStrictEqual(Object.fromEntries(ec2), {
      DescribeAddresses: sweeps,
      DescribeInstances: sweeps,
      DescribeSecurityGroups: sweeps
    })
    assert.deepStrictEqual(Object.fromEntries(kubernetes), {})
  })
})
