/**
 * Ids and addresses of one account by the order in which they appeared.
 * Rule: two accounts in which the same was done in the same order give the same names to all of it.
 */
import type { Made, Ref } from "./Ec2Request.ts"

const prefixes: Readonly<Record<string, Made>> = {
  eipalloc: "address",
  eipassoc: "association",
  sg: "group",
  eni: "interface",
  i: "instance",
  vpc: "vpc"
}
const idPattern = /^(eipalloc|eipassoc|sg|eni|i|vpc)-[0-9a-f]+$/
const ownedPattern = /^(\d{12})\/(.+)$/
const addressPattern = /^\d+\.\d+\.\d+\.\d+$/

const ofNothing: { readonly [M in Made]: string } = {
  address: "eipalloc-00000000000000000",
  "public-address": "192.0.2.0",
  association: "eipassoc-00000000000000000",
  group: "sg-00000000000000000",
  "default-group": "sg-00000000000000000",
  interface: "eni-00000000000000000",
  instance: "i-00000000000000000",
  vpc: "vpc-00000000000000000"
}

export interface Ids {
  readonly add: (made: Made, id: string) => void
  /** `made`: of which kind an unknown one is. */
  readonly resolve: (ref: Ref, made: Made) => string
  readonly nameOf: (id: string) => string | undefined
  /** Every id and public address in a value by its name. */
  readonly renamed: (value: unknown) => unknown
}

export const make = (): Ids => {
  const byKind = new Map<Made, Array<string>>()
  const names = new Map<string, string>()

  const add = (made: Made, id: string): void => {
    const known = byKind.get(made) ?? []
    known.push(id)
    byKind.set(made, known)
    names.set(id, `${made}#${known.length - 1}`)
  }

  const name = (text: string): string => {
    const known = names.get(text)
    if (known !== undefined) return known
    // Amazon gives and takes them as it likes.
    if (addressPattern.test(text)) return "an address"
    const [, owner, owned] = ownedPattern.exec(text) ?? []
    if (owned !== undefined) return `${owner}/${name(owned)}`
    const made = prefixes[idPattern.exec(text)?.[1] ?? ""]
    if (made === undefined) return text
    names.set(text, `another ${made}~${names.size}`)
    return name(text)
  }

  const renamed = (value: unknown): unknown => {
    if (typeof value === "string") return name(value)
    if (Array.isArray(value)) return value.map(renamed)
    if (typeof value !== "object" || value === null) return value
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, v]) => (v === undefined ? [] : [[key, renamed(v)]]))
    )
  }

  return {
    add,
    resolve: (ref, made) => {
      if (ref === "unknown") return ofNothing[made]
      if (ref === "malformed") return "nonsense"
      const known = byKind.get(ref.made) ?? []
      return known[ref.n % Math.max(1, known.length)] ?? ofNothing[ref.made]
    },
    nameOf: (id) => names.get(id),
    renamed
  }
}
