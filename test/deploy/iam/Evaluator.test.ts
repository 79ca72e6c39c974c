/** The evaluator against the rules that AWS documents, so that what it says of our policies means something. */
import { assert, describe, it } from "@effect/vitest"
import { type AuthorizationRequest, isAllowed } from "./Evaluator.ts"
import * as Policy from "./Policy.ts"

const release: AuthorizationRequest = {
  action: "ec2:ReleaseAddress",
  resource: "arn:aws:ec2:eu-west-1:111122223333:elastic-ip/eipalloc-1",
  context: { "aws:ResourceTag/team": ["blue"], "aws:TagKeys": ["team", "Name"] }
}

const statement = (fields: Partial<Policy.Statement>): Policy.Statement => ({
  sid: "S",
  effect: "Allow",
  actions: ["ec2:ReleaseAddress"],
  resources: ["*"],
  conditions: [],
  ...fields
})

const when = (operator: string, key: string, ...values: ReadonlyArray<string>) =>
  isAllowed([statement({ conditions: [{ operator, key, values }] })], release)

describe("a statement", () => {
  it("speaks of actions in any letter case, with wildcards", () => {
    for (const action of ["ec2:releaseaddress", "ec2:*", "*", "ec2:Release*", "ec2:ReleaseAddres?"]) {
      assert.isTrue(isAllowed([statement({ actions: [action] })], release), action)
    }
    for (const action of ["ec2:ReleaseAddresses", "ec2:Release", "iam:*", "ec2:ReleaseAddress?"]) {
      assert.isFalse(isAllowed([statement({ actions: [action] })], release), action)
    }
  })
  it("speaks of resources in their letter case, with wildcards", () => {
    for (const resource of [release.resource, "arn:aws:ec2:*:*:elastic-ip/*", "*"]) {
      assert.isTrue(isAllowed([statement({ resources: [resource] })], release), resource)
    }
    for (const resource of [
      "arn:aws:ec2:us-east-1:111122223333:elastic-ip/*",
      "arn:aws:ec2:eu-west-1:111122223333:Elastic-IP/*",
      "arn:aws:ec2:eu-west-1:111122223333:elastic-ip/eipalloc-10"
    ]) {
      assert.isFalse(isAllowed([statement({ resources: [resource] })], release), resource)
    }
  })
  it("that denies wins over all that allow, and nothing is allowed by nobody", () => {
    assert.isFalse(isAllowed([statement({}), statement({ effect: "Deny" })], release))
    assert.isFalse(isAllowed([], release))
  })
  it("holds when all of its conditions hold", () => {
    const holds = { operator: "StringEquals", key: "aws:ResourceTag/team", values: ["blue"] }
    const fails = { operator: "StringEquals", key: "aws:ResourceTag/team", values: ["red"] }
    assert.isTrue(isAllowed([statement({ conditions: [holds, holds] })], release))
    assert.isFalse(isAllowed([statement({ conditions: [holds, fails] })], release))
  })
})

describe("a condition", () => {
  it("on a key that is there asks for one of its values", () => {
    assert.isTrue(when("StringEquals", "aws:ResourceTag/team", "red", "blue"))
    assert.isTrue(when("StringEquals", "AWS:resourceTag/TEAM", "blue"))
    assert.isFalse(when("StringEquals", "aws:ResourceTag/team", "Blue"))
    assert.isFalse(when("StringEquals", "aws:ResourceTag/team", "b*"))
    assert.isTrue(when("StringLike", "aws:ResourceTag/team", "b*"))
    assert.isTrue(when("StringNotEquals", "aws:ResourceTag/team", "red"))
    assert.isFalse(when("StringNotEquals", "aws:ResourceTag/team", "red", "blue"))
  })
  it("on a key that is absent fails, unless it says IfExists or is negated", () => {
    assert.isFalse(when("StringEquals", "aws:ResourceTag/owner", "x"))
    assert.isFalse(when("StringLike", "aws:ResourceTag/owner", "*"))
    assert.isTrue(when("StringEqualsIfExists", "aws:ResourceTag/owner", "x"))
    assert.isFalse(when("StringEqualsIfExists", "aws:ResourceTag/team", "x"))
    assert.isTrue(when("StringNotEquals", "aws:ResourceTag/owner", "x"))
  })
  it("Null asks whether the key is absent", () => {
    assert.isTrue(when("Null", "aws:ResourceTag/owner", "true"))
    assert.isFalse(when("Null", "aws:ResourceTag/owner", "false"))
    assert.isTrue(when("Null", "aws:ResourceTag/team", "false"))
  })
  it("ForAllValues asks it of every value, and holds where there is none; ForAnyValue of one at least", () => {
    assert.isTrue(when("ForAllValues:StringEquals", "aws:TagKeys", "team", "Name", "other"))
    assert.isFalse(when("ForAllValues:StringEquals", "aws:TagKeys", "team"))
    assert.isTrue(when("ForAllValues:StringLike", "aws:TagKeys", "t*", "N*"))
    assert.isTrue(when("ForAllValues:StringEquals", "aws:RequestTagKeys", "team"))
    assert.isTrue(when("ForAnyValue:StringEquals", "aws:TagKeys", "team"))
    assert.isFalse(when("ForAnyValue:StringEquals", "aws:RequestTagKeys", "team"))
  })
  it("on ARNs compares part by part", () => {
    const arn = "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1"
    const request = { ...release, context: { "ec2:Vpc": [arn] } }
    const like = (operator: string, value: string) =>
      isAllowed([statement({ conditions: [{ operator, key: "ec2:Vpc", values: [value] }] })], request)
    assert.isTrue(like("ArnEquals", arn))
    assert.isTrue(like("ArnLike", "arn:aws:ec2:*:*:vpc/vpc-?"))
    assert.isFalse(like("ArnLike", "arn:aws:ec2:*:vpc/vpc-1"))
    assert.isFalse(like("ArnEquals", `${arn}0`))
    assert.isTrue(like("ArnNotEquals", `${arn}0`))
  })
  it("with an operator that is not known is judged by nobody", () => {
    assert.throws(() => when("DateGreaterThan", "aws:ResourceTag/team", "x"), "is not known")
  })
})

describe("a policy document", () => {
  const text = (statement: object) =>
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Sid: "S", Effect: "Allow", ...statement }] })
  it("takes one or several of everything", () => {
    const [parsed] = Policy.parse(
      text({ Action: "a:b", Resource: ["x", "y"], Condition: { StringEquals: { k: "v" } } })
    )
    assert.deepStrictEqual(parsed, {
      sid: "S",
      effect: "Allow",
      actions: ["a:b"],
      resources: ["x", "y"],
      conditions: [{ operator: "StringEquals", key: "k", values: ["v"] }]
    })
  })
  it("with an element that is not judged here is refused", () => {
    assert.throws(() => Policy.parse(text({ NotAction: "a:b", Resource: "*" })))
    assert.throws(() => Policy.parse(text({ Action: "a:b", NotResource: "*" })))
  })
})
