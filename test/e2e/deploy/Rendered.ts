/**
 * What the chart renders, as objects.
 * Rule: rendered by the helm of the suite from the chart of this repository.
 */
import { parseAllDocuments } from "yaml"
import * as Helm from "../../../deploy/tools/Helm.ts"
import { locate } from "../setup/Assets.ts"
import type { Manifest } from "../world/Kubectl.ts"

/** For suites that need nothing else of a world. */
export const helm = (): string => {
  const located = locate(process.env)
  if (located._tag === "Incomplete") throw new Error(`missing: ${located.missing.join(", ")}`)
  return located.assets.helm
}

export const parse = (text: string): ReadonlyArray<Manifest> =>
  parseAllDocuments(text)
    .filter((document) => document.contents !== null)
    .map((document) => document.toJS() as Manifest)

export const render = (helm: string, values?: unknown): ReadonlyArray<Manifest> =>
  parse(Helm.template(helm, { values }))

export interface Deployment extends Manifest {
  readonly spec: {
    readonly replicas: number
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> }
    readonly template: {
      readonly metadata: {
        readonly labels: Readonly<Record<string, string>>
        readonly annotations: Readonly<Record<string, string>>
      }
      readonly spec: Readonly<Record<string, unknown>> & { readonly containers: ReadonlyArray<Container> }
    }
  }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly command: ReadonlyArray<string>
  readonly args: ReadonlyArray<string>
  readonly env?: ReadonlyArray<{
    readonly name: string
    readonly value?: string
    readonly valueFrom?: unknown
  }>
  readonly ports: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>
  readonly [name: string]: unknown
}

export const only = (objects: ReadonlyArray<Manifest>, kind: string): Manifest => {
  const found = objects.filter((o) => o.kind === kind)
  const [first] = found
  if (first === undefined || found.length > 1) throw new Error(`${found.length} objects of kind ${kind}`)
  return first
}

export const deploymentOf = (objects: ReadonlyArray<Manifest>): Deployment =>
  only(objects, "Deployment") as Deployment

export const containerOf = (objects: ReadonlyArray<Manifest>): Container => {
  const [container, ...others] = deploymentOf(objects).spec.template.spec.containers
  if (container === undefined || others.length > 0) throw new Error("a pod has one container")
  return container
}
