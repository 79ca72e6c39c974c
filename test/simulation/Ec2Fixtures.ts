/**
 * A simulated EC2 of its own for each test, and short words for what the tests ask of it.
 * Rule: a test's world is shared with no other.
 */
import { Effect } from "effect"
import type { Direction, IpPermission, SourceKind } from "../../src/domain/Permission.ts"
import { Ec2 } from "../../src/ec2/Ec2.ts"
import type { Ec2Error } from "../../src/ec2/Ec2Error.ts"
import * as SimulatedEc2 from "../../src/simulation/Ec2.ts"
import { homeVpc } from "../../src/simulation/Ec2Instances.ts"
import { Ec2World, type Options } from "../../src/simulation/Ec2World.ts"

export interface Account {
  readonly ec2: Ec2["Service"]
  readonly world: Ec2World["Service"]
}

export const inAccount = <A, E>(
  options: Options,
  test: (account: Account) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    return yield* test({ ec2: yield* Ec2, world: yield* Ec2World })
  }).pipe(Effect.provide(SimulatedEc2.layer(options)))

/** The code of the refusal, or "OK". */
export const codeOf = <A>(call: Effect.Effect<A, Ec2Error>): Effect.Effect<string> =>
  Effect.match(call, {
    onSuccess: () => "OK",
    onFailure: ({ reason }) => ("code" in reason ? reason.code : reason._tag)
  })

export const newGroup = (name: string) => ({
  name,
  description: "of a test",
  vpcId: homeVpc,
  tags: {}
})

const sources = (kind: SourceKind, list: ReadonlyArray<string>, of: SourceKind, description: string) =>
  kind === of ? list.map((source) => ({ source, description })) : []

export const permission = (
  protocol: string,
  ports: readonly [number, number] | undefined,
  list: ReadonlyArray<string>,
  kind: SourceKind = "ipv4",
  description = ""
): IpPermission => ({
  protocol,
  fromPort: ports?.[0],
  toPort: ports?.[1],
  ipv4: sources(kind, list, "ipv4", description),
  ipv6: sources(kind, list, "ipv6", description),
  prefixLists: sources(kind, list, "prefixLists", description),
  groups: sources(kind, list, "groups", description)
})

export const rules = (
  groupId: string,
  permissions: ReadonlyArray<IpPermission>,
  direction: Direction = "Ingress"
) => ({ groupId, direction, permissions })
