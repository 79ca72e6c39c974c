/**
 * Ids and public addresses of the simulated EC2.
 * Rule: they follow from the seed, or from what they are derived from, and never from the hour or the machine.
 */
import { hash } from "node:crypto"

export type Prefix = "eipalloc" | "eipassoc" | "eni" | "i" | "sg"

/** The account: the owner of every Elastic IP and every group of it. */
export const accountId = "123456789012"

/** 17 hex digits, as in every EC2 resource id since 2016. */
const digits = (text: string): string => hash("sha256", text).slice(0, 17)

export const derivedId = (prefix: Prefix, from: string): string => `${prefix}-${digits(from)}`

/** The instance that a node is pretended to run on when the cloud is simulated: the same after a restart. */
export const simulatedInstanceId = (nodeUID: string): string => derivedId("i", nodeUID)

export interface Ids {
  readonly next: (prefix: Prefix) => string
}

export const make = (seed: string | number): Ids => {
  let made = 0
  return { next: (prefix) => derivedId(prefix, `${seed}/${prefix}/${made++}`) }
}

/** 100.64.0.0/10, RFC 6598: never routed on the Internet, so no pretended address is somebody's. */
const poolBase = 0x64400000
const poolSize = 1 << 22
/** Odd, so that a walk over the pool meets each address once before it meets one again. */
const stride = 0x1_9e37

const dotted = (n: number): string => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join(".")

export interface PublicAddresses {
  /** A free one: derived from `from` where given, else the next of the seed's walk. */
  readonly take: (from?: string) => string
  /** Makes one that is known from elsewhere taken. */
  readonly hold: (address: string) => void
  readonly free: (address: string) => void
}

export const makePublicAddresses = (seed: string | number): PublicAddresses => {
  const taken = new Set<string>()
  let at = Number.parseInt(digits(`${seed}/public`).slice(0, 6), 16) % poolSize
  const firstFree = (start: number): { readonly offset: number; readonly address: string } => {
    let offset = start
    for (;;) {
      const address = dotted(poolBase + offset)
      // The first and last of a /24 look like a network and a broadcast address.
      const last = offset & 255
      if (last !== 0 && last !== 255 && !taken.has(address)) return { offset, address }
      offset = (offset + stride) % poolSize
    }
  }
  return {
    take: (from) => {
      const start = from === undefined ? at : Number.parseInt(digits(from).slice(0, 8), 16) % poolSize
      const { offset, address } = firstFree(start)
      if (from === undefined) at = (offset + stride) % poolSize
      taken.add(address)
      return address
    },
    hold: (address) => {
      taken.add(address)
    },
    free: (address) => {
      taken.delete(address)
    }
  }
}
