/** EC2's wire shapes to ours and back. */
import { assert, describe, it } from "@effect/vitest"
import * as Permission from "../../src/domain/Permission.ts"
import * as Wire from "../../src/ec2/Wire.ts"

describe("a rule that refers to a group", () => {
  it("names the account of that group again when it is revoked: EC2 finds those of others by both only", () => {
    const UserIdGroupPairs = [
      { GroupId: "sg-own", Description: "ours" },
      { GroupId: "sg-peer", UserId: "999999999999" }
    ]
    const IpPermissions = [{ IpProtocol: "tcp", FromPort: 22, ToPort: 22, UserIdGroupPairs }]
    const { ingress } = Wire.fromSecurityGroup({ GroupId: "sg-1", IpPermissions })
    const back = Permission.merge(Permission.expand("Ingress", ingress)).map(Wire.toPermission)
    assert.deepStrictEqual(back, IpPermissions)
  })
})
