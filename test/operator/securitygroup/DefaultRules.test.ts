/** What is known of the rules that EC2 gives new groups. */
import { assert, describe, it } from "@effect/vitest"
import { makeIpv6 } from "../../../src/operator/securitygroup/DefaultRules.ts"

const hour = 3_600_000

describe("whether a VPC has IPv6", () => {
  it("is known of the VPC it was learnt of, for an hour: a VPC may get IPv6", () => {
    const ipv6 = makeIpv6()
    ipv6.learn("vpc-1", true, 1_000)
    ipv6.learn("vpc-2", false, 1_000)
    const at = (vpcId: string, now: number) => [ipv6.isKnown(vpcId, now), ipv6.has(vpcId, now)]
    assert.deepStrictEqual(at("vpc-1", 1_000 + hour - 1), [true, true])
    assert.deepStrictEqual(at("vpc-2", 1_000 + hour - 1), [true, false])
    assert.deepStrictEqual(at("vpc-1", 1_000 + hour), [false, false])
    assert.deepStrictEqual(at("vpc-3", 1_000), [false, false])
  })
})
