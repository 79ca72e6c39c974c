/**
 * Descriptions of EC2 rules.
 * Rule: what EC2 does not take is refused when it is written; where it is stored already, it keeps no port closed.
 */
import type { Rule } from "./crd/Rule.ts"

/** IpRange.Description: up to 255 of these characters. */
export const longest = 255
const characters = "a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*"
const allowed = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]*$/
const celAllowed = "'^[a-zA-Z0-9 ._:/()#,@+=&;{}!$*\\\\[\\\\]-]*$'"

const isSendable = (text: string): boolean => text.length <= longest && allowed.test(text)

/** The nearest text that EC2 takes. */
export const sendable = (text: string): string =>
  isSendable(text) ? text : text.replaceAll(/[^a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]/gu, "_").slice(0, longest)

/** Of one range; its length is bounded beside it. */
export const ofRange: Rule<string> = {
  cel: `self.matches(${celAllowed})`,
  message: `may hold ${characters}`,
  holds: (text) => allowed.test(text)
}

interface Described {
  readonly description: string
  readonly ipRanges: ReadonlyArray<{ readonly description?: string | null }>
}

/** Of a spec: it is sent for ranges without a description of their own; where none is, anything may stand in it. */
export const ofSpec: Rule<Described> = {
  at: "description",
  cel: `self.ipRanges.all(r, has(r.description) && r.description != '') || (size(self.description) <= ${longest} && self.description.matches(${celAllowed}))`,
  message: `may hold at most ${longest} of ${characters}, as a range without a description of its own is described by it`,
  holds: (spec) => spec.ipRanges.every((r) => (r.description ?? "") !== "") || isSendable(spec.description)
}
