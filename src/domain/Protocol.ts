/**
 * IP protocols as EC2 names them.
 * Rule: two spellings of one protocol are one protocol here, in its canonical spelling.
 */
import type { Rule } from "./crd/Rule.ts"

const numbered: ReadonlyMap<string, string> = new Map([
  ["6", "tcp"],
  ["17", "udp"],
  ["1", "icmp"],
  ["58", "icmpv6"]
])

/** EC2 answers 6, 17, 1, 58 as tcp, udp, icmp, icmpv6, and names in lower case. */
export const canonicalProtocol = (protocol: string): string => {
  const lower = protocol.toLowerCase()
  const number = /^\d+$/.test(lower) ? String(Number(lower)) : lower
  return numbered.get(number) ?? number
}

/** Both take a canonical protocol. */
export const isPorted = (protocol: string): boolean => protocol === "tcp" || protocol === "udp"
export const isIcmp = (protocol: string): boolean => protocol === "icmp" || protocol === "icmpv6"

/** EC2 keeps ports (or type and code) for tcp, udp, icmp, icmpv6 only. */
export const hasPorts = (protocol: string): boolean => isPorted(protocol) || isIcmp(protocol)

/** In CEL, of a FirewallRule's spec, what `isPorted` and `isIcmp` say of its canonical protocol. */
export const celIsPorted = "self.protocol.matches('^(?i)(tcp|udp|0*6|0*17)$')"
export const celIsIcmp = "self.protocol.matches('^(?i)(icmp|icmpv6|0*1|0*58)$')"

/** IpPermission.IpProtocol: a name of the four, a number, or -1 for all. */
export const isProtocol: Rule<string> = {
  cel: "self.matches('^(?i)(tcp|udp|icmp|icmpv6|-1|[0-9]{1,3})$') && (!self.matches('^[0-9]+$') || int(self) <= 255)",
  message: "must be tcp, udp, icmp, icmpv6, a protocol number from 0 to 255, or -1 for all",
  holds: (text) => /^(tcp|udp|icmp|icmpv6|-1|\d{1,3})$/i.test(text) && !(Number(text) > 255)
}
