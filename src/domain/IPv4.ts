/**
 * IPv4 addresses and ranges.
 * Rule: ranges that EC2 holds for one are one here: bits behind the prefix do not count.
 */
import { Result } from "effect"
import { IpInterface, IpNetwork, NetAddress } from "effect/net"
import type { Rule } from "./crd/Rule.ts"

/** `10.1.2.3/8` -> `10.0.0.0/8`, as EC2 stores it; undefined when it is no IPv4 CIDR. */
export const canonicalCidr = (cidr: string): string | undefined => {
  const parsed = IpInterface.ipv4FromString(cidr)
  return Result.isSuccess(parsed) && cidr.includes("/")
    ? IpNetwork.format(IpNetwork.fromInterface(parsed.success))
    : undefined
}

const octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
const dotted = `(${octet}[.]){3}${octet}`

export const isCidr: Rule<string> = {
  cel: `self.matches('^${dotted}/(3[0-2]|[12]?[0-9])$')`,
  message: "must be an IPv4 CIDR such as 10.0.0.0/8",
  holds: (text) => canonicalCidr(text) !== undefined
}

/** "" means unset. */
export const isAddressOrUnset: Rule<string> = {
  cel: `self == '' || self.matches('^${dotted}$')`,
  message: "must be an IPv4 address",
  holds: (text) => text === "" || Result.isSuccess(NetAddress.ipv4FromString(text))
}
