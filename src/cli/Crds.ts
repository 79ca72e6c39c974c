/**
 * `kubestatic crds`: the CustomResourceDefinitions as YAML.
 * Rule: what it prints is what is in crds/, byte for byte.
 */
import { stringify } from "yaml"
import * as Crd from "../domain/Crd.ts"

const header = "# Generated from src/domain by `npm run crds`.\n"

export interface File {
  readonly name: string
  readonly content: string
}

/** One file per definition, named as the API server names it. */
export const files: ReadonlyArray<File> = Crd.all.map((definition) => {
  const { name } = definition.metadata as { readonly name: string }
  const [plural = "", ...rest] = name.split(".")
  return {
    name: `${rest.join(".")}_${plural}.yaml`,
    content: header + stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false })
  }
})

export const render = (): string => files.map((f) => f.content).join("---\n")
