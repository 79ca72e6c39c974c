/**
 * The Ec2 service with a fate for every request.
 * Rule: a layer around a service, simulated or not; codes become errors by the one table of codes.
 */
import { Effect } from "effect"
import type { Direction } from "../../domain/Permission.ts"
import { actionOf, type Operation, type Service } from "../../ec2/Ec2.ts"
import { Ec2Error, fromCode, Unreachable } from "../../ec2/Ec2Error.ts"
import { Peculiarity } from "../Peculiarity.ts"
import { carry } from "./Carry.ts"
import type { Host, Life } from "./Host.ts"
import { type Call, type Hand, hands, type Outcome, sortOf, unseenMillis } from "./Outcome.ts"

type Send = Effect.Effect<unknown, Ec2Error>

const isHand = (outcome: Outcome | undefined): outcome is Hand =>
  outcome !== undefined && (hands as ReadonlyArray<string>).includes(outcome)

/** Outcomes that the world itself brings about, for this one request. */
const peculiarities: Readonly<Record<string, Peculiarity>> = {
  "behind by 1": { behind: 1 },
  "behind by 3": { behind: 3 },
  "behind by all": { behind: Number.POSITIVE_INFINITY },
  "slow to show": { unseenFor: unseenMillis }
}

export const layer = (service: Service, host: Host, life: Life): Service => {
  const wrap = (operation: Operation) => {
    const method = service[operation] as (input: never) => Send
    return (input: never): Send =>
      Effect.suspend(() => {
        if (life.isDead) return Effect.never
        const name = actionOf(operation, (input as { readonly direction?: Direction } | undefined)?.direction)
        const call: Call = { sort: sortOf(name), name }
        const outcome = host.fate(life, call, input)
        const error = (reason: Ec2Error["reason"]) => new Ec2Error({ operation: name, reason })
        const carriage = {
          host,
          life,
          unreachable: () => error(new Unreachable({ message: "no answer" }))
        }
        const refuse = (code: Outcome) => error(fromCode(code.split(",")[0] ?? "", "injected"))
        const peculiarity = outcome === undefined ? undefined : peculiarities[outcome]
        if (peculiarity !== undefined) {
          const send = Effect.provideService(method(input), Peculiarity, peculiarity)
          return carry(carriage, undefined, send, refuse)
        }
        if (!isHand(outcome)) return carry(carriage, outcome, method(input), refuse)
        host.byHand(outcome, life)
        return carry(carriage, undefined, method(input), refuse)
      })
  }
  const operations = Object.keys(service) as ReadonlyArray<Operation>
  return Object.fromEntries(operations.map((operation) => [operation, wrap(operation)])) as unknown as Service
}
