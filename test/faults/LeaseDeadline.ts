/**
 * Until when each operator may write, by the lease as the API server has it.
 * Rule: 10 s from the moment in which the renewal was sent that the API server took last; asked of every write, by other
 * means than the operator's own clock of it.
 */
import { leases } from "../../src/kubernetes/Kubernetes.ts"
import type { Life } from "../../src/simulation/faults/Host.ts"
import type { Call } from "../../src/simulation/faults/Outcome.ts"
import type { World } from "./World.ts"

const renewDeadlineMillis = 10_000

interface Spec {
  readonly holderIdentity?: string
  /** Of the sender's clock, which in here is everybody's. */
  readonly renewTime?: string
}

const specOf = (lease: unknown): Spec => (lease as { readonly spec?: Spec } | undefined)?.spec ?? {}

export interface Deadlines {
  /** A request as it leaves an operator. */
  readonly sending: (life: Life, call: Call, request: unknown, now: number) => void
  readonly watch: (world: World) => void
}

/** Of operators that share no lease. */
export const none: Deadlines = { sending: () => undefined, watch: () => undefined }

export const make = (report: (what: string) => void): Deadlines => {
  const identities = new Map<number, string>()
  const until = new Map<string, number>()
  return {
    sending: (life, { name, sort }, request, now) => {
      if (name === "update leases" || name === "create leases") {
        const { holderIdentity } = specOf(request)
        if (holderIdentity) identities.set(life.number, holderIdentity)
        return
      }
      const isWrite =
        sort === "EC2 write" || (sort === "write" && name !== "create events" && name !== "patch events")
      const deadline = until.get(identities.get(life.number) ?? "") ?? 0
      if (isWrite && now > deadline)
        report(`operator ${life.number} sent ${name} after its lease had run out`)
    },
    watch: ({ cluster }) => {
      cluster.onChange(({ object, resource }) => {
        const { holderIdentity, renewTime } = specOf(object)
        if (resource.kind !== leases.kind || !holderIdentity) return
        until.set(holderIdentity, Date.parse(renewTime ?? "") + renewDeadlineMillis)
      })
    }
  }
}
