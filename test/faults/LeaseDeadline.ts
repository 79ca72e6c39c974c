/**
 * Until when each operator may write, by the lease as the API server has it.
 * Rule: 10 s from the moment in which the last renewal that the API server took was sent; asked of every write, by other
 * means than the operator's own clock of it.
 */
import { leases } from "../../src/kubernetes/Kubernetes.ts"
import type { Life } from "../../src/simulation/faults/Host.ts"
import type { Call } from "../../src/simulation/faults/Outcome.ts"
import type { World } from "./World.ts"

const renewDeadlineMillis = 10_000

export interface Deadlines {
  readonly sending: (life: Life, call: Call, now: number) => void
  readonly watch: (world: World, isElected: boolean) => void
}

export const make = (report: (what: string) => void): Deadlines => {
  let isElected = false
  const until = new Map<number, number>()
  /** The renewals under way, oldest first: who sent them and when. */
  const sent: Array<{ readonly life: Life; readonly at: number }> = []
  return {
    sending: (life, { name, sort }, now) => {
      if (!isElected) return
      if (name === "update leases" || name === "create leases") {
        sent.push({ life, at: now })
        return
      }
      const isWrite =
        sort === "EC2 write" || (sort === "write" && name !== "create events" && name !== "patch events")
      if (isWrite && now > (until.get(life.number) ?? 0))
        report(`operator ${life.number} sent ${name} after its lease had run out`)
    },
    watch: (world, elected) => {
      isElected = elected
      if (!elected) return
      world.cluster.onChange(({ object, resource, type }) => {
        if (resource.kind !== leases.kind || type === "DELETED") return
        const renewal = sent.at(-1)
        const holder = (object.spec as { readonly holderIdentity?: string } | undefined)?.holderIdentity
        if (renewal !== undefined && holder !== "")
          until.set(renewal.life.number, renewal.at + renewDeadlineMillis)
      })
    }
  }
}
