/**
 * The reference of the API as one Markdown document: what is in crds/README.md.
 * Rule: generated; what it says of a field, a reason or an event is said in src/domain and nowhere else.
 */
import * as ConditionType from "../../domain/ConditionType.ts"
import { columns } from "../../domain/Crd.ts"
import * as Kinds from "../../domain/crd/Kinds.ts"
import * as EventReason from "../../domain/EventReason.ts"
import { apiVersion } from "../../domain/Names.ts"
import * as Reason from "../../domain/Reason.ts"
import { fields } from "./Fields.ts"
import { blocks, code, table } from "./Markdown.ts"
import { strings, tagTable } from "./Strings.ts"

const conditions = (kind: Kinds.Kind["kind"]): string => {
  const explanations: Readonly<
    Record<string, { readonly whenTrue: string; readonly whenFalse: string; readonly whenUnknown?: string }>
  > = ConditionType.explanations[kind]
  return table(
    ["type", "True", "False", "Unknown"],
    Object.entries(explanations).map(([type, { whenFalse, whenTrue, whenUnknown }]) => [
      code(type),
      whenTrue,
      whenFalse,
      whenUnknown ?? ""
    ])
  )
}

const printed = (kind: Kinds.Kind["kind"]): string =>
  columns[kind].map(({ jsonPath, name }) => `${name} (${code(jsonPath)})`).join(", ")

const resource = (k: Kinds.Kind): string =>
  blocks(
    `## ${k.kind}`,
    `${k.description} Cluster-scoped; \`kubectl get ${k.plural}\`, or \`${k.shortName}\` for short, prints ${printed(k.kind)}.`,
    "### spec",
    fields(k.spec),
    "### status",
    "Written by the operator alone.",
    fields(k.status),
    "### conditions",
    "On success the reason of a condition is its type.",
    conditions(k.kind)
  )

const reasons = (): string =>
  table(
    ["reason", "on", "what it means", "what to do"],
    Object.entries(Reason.explanations).map(([reason, { meaning, on, remedy }]) => [
      code(reason),
      on.join(", "),
      meaning,
      remedy
    ])
  )

const events = (): string =>
  table(
    ["reason", "type", "on", "what happened"],
    Object.entries(EventReason.explanations).map(([reason, { meaning, on, type }]) => [
      code(reason),
      type,
      on,
      meaning
    ])
  )

/** The whole document. */
export const render = (): string =>
  `${blocks(
    "<!-- Generated from src/domain by `npm run crds`. -->",
    "# API reference",
    `\`${apiVersion}\`. Both kinds are cluster-scoped and have the status subresource. Wrong input is refused when it is written, with a message that names the field. Validation begins at \`spec\`: an object that an older schema let through can still be labelled, cleaned up and deleted. \`spec\` may be absent, and \`""\` means unset. Everything carries the category \`kubestatic\`: \`kubectl get kubestatic\`.`,
    resource(Kinds.externalIP),
    resource(Kinds.firewallRule),
    "Two FirewallRules may ask for the same: EC2 has it once, both are `Applied`, and it goes with the last of them. A rule is the same when direction, protocol, ports and range are; the description is not part of it.",
    "## Reasons",
    "Why a condition is not True. Reasons are API; messages are for people.",
    reasons(),
    "## Events",
    "In the namespace `default`, where events of cluster-scoped objects are. A reason of the table above that somebody should know of is an event of type Warning too, once when it begins; that of an ExternalIP also on its node.",
    events(),
    "## Labels, taint, finalizers, names",
    strings(),
    "## Tags in EC2",
    "On Elastic IPs and security groups, together with those of `--extra-tags`. Ones that are missing on what the Go implementation made are added once. An address belongs to the object named in its tag and to the cluster; a group to the node and the cluster.",
    tagTable(),
    `A security group is called \`kubestatic/<cluster-id>/<node name>\`, or \`kubestatic/\` and 40 hexadecimal digits where that is longer than EC2 allows. It is found by its tags, so groups with other names are used as they are.`
  )}\n`
