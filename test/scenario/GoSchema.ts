/**
 * What the CustomResourceDefinitions of the Go implementation 0.14 ask of an object, in the words of our own shapes.
 * Rule: facts about another program's API, said anew; unknown fields are no error there, they are pruned.
 *
 * Source: quortex/kubestatic, helm/kubestatic/crds/crds.yaml (Apache-2.0), read in versions 0.13 to 0.14. Different from
 * ours: every range must have a description, a FirewallRule's status must have lastTransitionTime, reasons have a
 * pattern and are never empty, nothing is checked by CEL.
 */
import type { ObjectShape, Shape, StringShape } from "../../src/domain/crd/Shape.ts"

const text: StringShape = { type: "string", rules: [] }
const time: StringShape = { ...text, format: "date-time" }
const whole: Shape = { type: "integer", rules: [] }
const flag: Shape = { type: "boolean", rules: [], default: false }
const oneOf = (...values: ReadonlyArray<string>): Shape => ({ ...text, enum: values })
const listOf = (items: Shape): Shape => ({ type: "array", rules: [], items })
const object = (
  properties: Readonly<Record<string, Shape>>,
  required: ReadonlyArray<string> = []
): ObjectShape => ({ type: "object", rules: [], properties, required })

/** Of metav1.Condition. */
export const reasonPattern = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/
const longestMessage = 32_768

const condition = object(
  {
    type: { ...text, maxLength: 316 },
    status: oneOf("True", "False", "Unknown"),
    reason: {
      ...text,
      maxLength: 1_024,
      rules: [
        {
          cel: "",
          message: "must be a CamelCase word",
          holds: (reason: string) => reasonPattern.test(reason)
        }
      ]
    },
    message: { ...text, maxLength: longestMessage },
    observedGeneration: whole,
    lastTransitionTime: time
  },
  ["lastTransitionTime", "message", "reason", "status", "type"]
)

const ipRange = object({ cidr: text, description: text }, ["cidr", "description"])

export const shapes: Readonly<
  Record<"ExternalIP" | "FirewallRule", { readonly spec: ObjectShape; readonly status: ObjectShape }>
> = {
  ExternalIP: {
    spec: object({ nodeName: text, disableReconciliation: flag, preventEIPDeallocation: flag }),
    status: object({
      state: text,
      addressID: text,
      publicIPAddress: text,
      instanceID: text,
      conditions: listOf(condition)
    })
  },
  FirewallRule: {
    spec: object(
      {
        nodeName: text,
        publicIPAddress: text,
        description: text,
        direction: oneOf("Ingress", "Egress"),
        protocol: text,
        fromPort: whole,
        toPort: whole,
        ipRanges: listOf(ipRange),
        disableReconciliation: flag
      },
      ["description", "direction", "fromPort", "protocol"]
    ),
    status: object(
      {
        state: text,
        firewallRuleID: text,
        instanceID: text,
        networkInterfaceID: text,
        lastApplied: text,
        lastTransitionTime: time,
        conditions: listOf(condition)
      },
      ["lastTransitionTime"]
    )
  }
}
