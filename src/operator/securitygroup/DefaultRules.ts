/**
 * The rules that EC2 gives every new group, which nobody asked for.
 * Rule: the reply of CreateSecurityGroup names none of them; whether a VPC has IPv6 is learnt from the first group that is
 * made there, and asked again after a while: a VPC may get IPv6 later.
 * Source: "Default security groups for your VPCs", rules of groups that you create.
 */
import { Duration } from "effect"
import type * as Permission from "../../domain/Permission.ts"

export const everywhere: Permission.Permission = {
  direction: "Egress",
  protocol: "-1",
  fromPort: undefined,
  toPort: undefined,
  sourceKind: "ipv4",
  source: "0.0.0.0/0",
  description: ""
}

/** Where the VPC has IPv6. */
export const everywhereIpv6: Permission.Permission = { ...everywhere, sourceKind: "ipv6", source: "::/0" }

const believedFor = Duration.toMillis(Duration.hours(1))

/** Which VPCs have IPv6; times are epoch milliseconds. */
export interface Ipv6 {
  readonly isKnown: (vpcId: string, now: number) => boolean
  /** False also where it is not known. */
  readonly has: (vpcId: string, now: number) => boolean
  readonly learn: (vpcId: string, hasIpv6: boolean, now: number) => void
}

export const makeIpv6 = (): Ipv6 => {
  const learnt = new Map<string, { readonly hasIpv6: boolean; readonly until: number }>()
  const known = (vpcId: string, now: number) => {
    const one = learnt.get(vpcId)
    return one !== undefined && now < one.until ? one : undefined
  }
  return {
    isKnown: (vpcId, now) => known(vpcId, now) !== undefined,
    has: (vpcId, now) => known(vpcId, now)?.hasIpv6 === true,
    learn: (vpcId, hasIpv6, now) => void learnt.set(vpcId, { hasIpv6, until: now + believedFor })
  }
}
