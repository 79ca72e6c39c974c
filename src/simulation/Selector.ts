/**
 * Label and field selectors, as far as the operator and its scenarios use them.
 * Rule: equality, inequality and existence of labels; equality of metadata.name and metadata.namespace.
 */
import type { Raw } from "../domain/Object.ts"

type Labels = Readonly<Record<string, unknown>>

const labelsOf = (object: Raw): Labels => (object.metadata.labels ?? {}) as Labels

const matchesLabel = (labels: Labels, term: string): boolean => {
  const unequal = /^([^!=]+)!=(.*)$/.exec(term)
  if (unequal !== null) return labels[unequal[1] ?? ""] !== unequal[2]
  const equal = /^([^!=]+)==?(.*)$/.exec(term)
  if (equal !== null) return labels[equal[1] ?? ""] === equal[2]
  return term.startsWith("!") ? labels[term.slice(1)] === undefined : labels[term] !== undefined
}

const matchesField = (object: Raw, term: string): boolean => {
  const [, path = "", value = ""] = /^([^=]+)==?(.*)$/.exec(term) ?? []
  return path.startsWith("metadata.") && object.metadata[path.slice("metadata.".length)] === value
}

const terms = (selector: string | undefined): ReadonlyArray<string> =>
  (selector ?? "")
    .split(",")
    .map((t) => t.trim())
    .filter((t) => t !== "")

export interface Selection {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

const matchesFields = (object: Raw, selection: Selection): boolean =>
  terms(selection.fieldSelector).every((t) => matchesField(object, t))

/** Of the namespace and the name that are asked for: where the server looks for what matches. */
export const isWithin = (object: Raw, selection: Selection): boolean =>
  (selection.namespace === undefined || object.metadata.namespace === selection.namespace) &&
  matchesFields(object, selection)

export const matches = (object: Raw, selection: Selection): boolean =>
  isWithin(object, selection) &&
  terms(selection.labelSelector).every((t) => matchesLabel(labelsOf(object), t))
