/**
 * The CustomResourceDefinitions, generated from the Schemas of the two custom resources.
 * Rule: nothing about a field is said here that its Schema could say.
 */
import * as Kinds from "./crd/Kinds.ts"
import { type Structural, structural } from "./crd/Structural.ts"
import { group, version } from "./Names.ts"

export interface Column {
  readonly name: string
  readonly type: "string" | "integer" | "date"
  readonly jsonPath: string
  readonly description?: string
}

const ready: Column = {
  name: "Ready",
  type: "string",
  jsonPath: '.status.conditions[?(@.type=="Ready")].status'
}
const age: Column = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }

const definition = (k: Kinds.Kind): Structural => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${k.plural}.${group}` },
  spec: {
    group,
    names: {
      kind: k.kind,
      listKind: `${k.kind}List`,
      plural: k.plural,
      singular: k.kind.toLowerCase(),
      shortNames: [k.shortName],
      categories: ["kubestatic"]
    },
    scope: "Cluster",
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: columns[k.kind],
        schema: {
          openAPIV3Schema: {
            description: k.description,
            type: "object",
            properties: {
              apiVersion: { type: "string" },
              kind: { type: "string" },
              metadata: { type: "object" },
              spec: structural(k.spec),
              status: structural(k.status)
            }
          }
        }
      }
    ]
  }
})

/** What `kubectl get` prints, by kind. */
export const columns: Readonly<Record<Kinds.Kind["kind"], ReadonlyArray<Column>>> = {
  ExternalIP: [
    { name: "State", type: "string", jsonPath: ".status.state" },
    { name: "Public IP", type: "string", jsonPath: ".status.publicIPAddress" },
    { name: "Node", type: "string", jsonPath: ".spec.nodeName" },
    ready,
    age
  ],
  FirewallRule: [
    { name: "Direction", type: "string", jsonPath: ".spec.direction" },
    { name: "Protocol", type: "string", jsonPath: ".spec.protocol" },
    {
      name: "Ports",
      type: "integer",
      // A column prints one value (API server, tableconvertor): of a range of ports it is the first.
      jsonPath: ".spec.fromPort",
      description: "The first port, or the ICMP type"
    },
    { name: "State", type: "string", jsonPath: ".status.state" },
    { name: "Node", type: "string", jsonPath: ".status.nodeName" },
    ready,
    age
  ]
}

export const externalIP: Structural = definition(Kinds.externalIP)
export const firewallRule: Structural = definition(Kinds.firewallRule)

export const all: ReadonlyArray<Structural> = [externalIP, firewallRule]
