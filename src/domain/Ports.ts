/**
 * The ports of a rule, or the type and code of an ICMP rule.
 * Rule: what EC2 can never take is refused with the field's name; protocols without ports take any numbers.
 */
import type { Rule } from "./crd/Rule.ts"
import { canonicalProtocol, celIsIcmp, celIsPorted, isIcmp, isPorted } from "./Protocol.ts"

/** As a FirewallRule's spec has them. */
export interface Given {
  readonly protocol: string
  /** First port, or ICMP type; -1: all types. */
  readonly fromPort: number
  /** Last port, or ICMP code; absent: fromPort, or for ICMP -1, all codes. */
  readonly toPort?: number
}

/** First and last, or type and code; absent for protocols that have none. */
export interface Ports {
  readonly fromPort: number | undefined
  readonly toPort: number | undefined
}

export const of = (given: Given): Ports => {
  const protocol = canonicalProtocol(given.protocol)
  if (isPorted(protocol)) return { fromPort: given.fromPort, toPort: given.toPort ?? given.fromPort }
  if (isIcmp(protocol)) return { fromPort: given.fromPort, toPort: given.toPort ?? -1 }
  return { fromPort: undefined, toPort: undefined }
}

const isWithin = (n: number | undefined, low: number, high: number): boolean =>
  n === undefined || (Number.isInteger(n) && n >= low && n <= high)

interface Bound {
  /** What the numbers are bound to where the protocol has ports, or type and code. */
  readonly cel: string
  readonly at: "fromPort" | "toPort"
  readonly message: string
  readonly holds: (given: Given) => boolean
}

const ifPorted = (bound: Bound): Rule<Given> => ({
  ...bound,
  when: "of tcp and udp",
  cel: `!${celIsPorted} || ${bound.cel}`,
  holds: (given) => !isPorted(canonicalProtocol(given.protocol)) || bound.holds(given)
})
const ifIcmp = (bound: Bound): Rule<Given> => ({
  ...bound,
  when: "of icmp and icmpv6",
  cel: `!${celIsIcmp} || ${bound.cel}`,
  holds: (given) => !isIcmp(canonicalProtocol(given.protocol)) || bound.holds(given)
})

/** IpPermission.FromPort and ToPort: 0-65535; for ICMP type and code 0-255 or -1, and with all types all codes. */
export const rules: ReadonlyArray<Rule<Given>> = [
  ifPorted({
    at: "fromPort",
    cel: "(self.fromPort >= 0 && self.fromPort <= 65535)",
    message: "must be a port from 0 to 65535",
    holds: ({ fromPort }) => isWithin(fromPort, 0, 65535)
  }),
  ifPorted({
    at: "toPort",
    cel: "!has(self.toPort) || (self.toPort >= 0 && self.toPort <= 65535)",
    message: "must be a port from 0 to 65535",
    holds: ({ toPort }) => isWithin(toPort, 0, 65535)
  }),
  ifPorted({
    at: "toPort",
    cel: "!has(self.toPort) || self.fromPort <= self.toPort",
    message: "must not be below fromPort",
    holds: ({ fromPort, toPort }) => toPort === undefined || fromPort <= toPort
  }),
  ifIcmp({
    at: "fromPort",
    cel: "(self.fromPort >= -1 && self.fromPort <= 255)",
    message: "must be an ICMP type from 0 to 255, or -1 for all",
    holds: ({ fromPort }) => isWithin(fromPort, -1, 255)
  }),
  ifIcmp({
    at: "toPort",
    cel: "!has(self.toPort) || (self.toPort >= -1 && self.toPort <= 255)",
    message: "must be an ICMP code from 0 to 255, or -1 for all",
    holds: ({ toPort }) => isWithin(toPort, -1, 255)
  }),
  ifIcmp({
    at: "toPort",
    cel: "self.fromPort != -1 || !has(self.toPort) || self.toPort == -1",
    message: "must be -1, as fromPort is: all types have all codes",
    holds: ({ fromPort, toPort }) => fromPort !== -1 || toPort === undefined || toPort === -1
  })
]
