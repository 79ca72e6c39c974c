/**
 * IAM policy documents: those of deploy/iam, with their placeholders filled in.
 * Rule: an element that is not known here fails to decode, so that nothing in a policy goes unjudged.
 * Source: "Grammar of the IAM JSON policy language" (IAM User Guide).
 */
import { readFileSync } from "node:fs"
import { Schema } from "effect"

const OneOrMore = Schema.Union([Schema.String, Schema.Array(Schema.String)])

/** By operator, then by key: any of these values. */
const Conditions = Schema.Record(Schema.String, Schema.Record(Schema.String, OneOrMore))

const Document = Schema.Struct({
  Version: Schema.Literal("2012-10-17"),
  Statement: Schema.Array(
    Schema.Struct({
      Sid: Schema.String,
      Effect: Schema.Literals(["Allow", "Deny"]),
      Action: OneOrMore,
      Resource: OneOrMore,
      Condition: Schema.optionalKey(Conditions)
    })
  )
})

export interface Condition {
  /** Such as "ForAllValues:StringLike" or "StringEqualsIfExists". */
  readonly operator: string
  readonly key: string
  readonly values: ReadonlyArray<string>
}

export interface Statement {
  readonly sid: string
  readonly effect: "Allow" | "Deny"
  readonly actions: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  /** All of them must hold. */
  readonly conditions: ReadonlyArray<Condition>
}

export type Policy = ReadonlyArray<Statement>

const listOf = (value: string | ReadonlyArray<string>): ReadonlyArray<string> =>
  typeof value === "string" ? [value] : value

const decode = Schema.decodeUnknownSync(Document, { onExcessProperty: "error" })

/** Throws where the text is no policy of the form above. */
export const parse = (text: string): Policy =>
  decode(JSON.parse(text)).Statement.map((s) => ({
    sid: s.Sid,
    effect: s.Effect,
    actions: listOf(s.Action),
    resources: listOf(s.Resource),
    conditions: Object.entries(s.Condition ?? {}).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => ({ operator, key, values: listOf(values) }))
    )
  }))

/** What a reader of deploy/iam puts in for each placeholder. */
export interface Place {
  readonly partition: string
  readonly region: string
  readonly accountId: string
  readonly vpcId: string
  readonly clusterId: string
  /** Ids that are taken over, added beside the own one in every list of owned resources. */
  readonly adopted: ReadonlyArray<string>
}

export const place: Place = {
  partition: "aws",
  region: "eu-west-1",
  accountId: "111122223333",
  vpcId: "vpc-1",
  clusterId: "test-cluster",
  adopted: []
}

export const textOf = (name: string): string =>
  readFileSync(new URL(`../../../deploy/iam/${name}`, import.meta.url), "utf8")

/** A file of deploy/iam, as a reader makes it his own by following its README. */
export const read = (name: string, p: Place = place): Policy => {
  const owned = [p.clusterId, ...p.adopted].map((id) => JSON.stringify(id)).join(", ")
  return parse(
    textOf(name)
      .replaceAll('["CLUSTER_ID"]', `[${owned}]`)
      .replaceAll("CLUSTER_ID", p.clusterId)
      .replaceAll("PARTITION", p.partition)
      .replaceAll("REGION", p.region)
      .replaceAll("ACCOUNT_ID", p.accountId)
      .replaceAll("VPC_ID", p.vpcId)
  )
}
