/**
 * EC2 in memory: the `Ec2` service over a simulated account, and the world behind it.
 * Rule: one request per call (a describe one per page), each with its action's name; what it does is decided elsewhere.
 */
import { Context, Effect, Layer } from "effect"
import { actionOf, Ec2, type Operation, type RulesRequest, type Service } from "../ec2/Ec2.ts"
import type { Ec2Error } from "../ec2/Ec2Error.ts"
import * as Addresses from "./Ec2Addresses.ts"
import * as Describe from "./Ec2Describe.ts"
import * as Groups from "./Ec2Groups.ts"
import { type Answer, done } from "./Ec2Refusal.ts"
import type { Requests } from "./Ec2Requests.ts"
import type { State } from "./Ec2State.ts"
import * as Tags from "./Ec2Tags.ts"
import * as World from "./Ec2World.ts"

export { simulatedInstanceId } from "./Ec2Ids.ts"

/** MaxResults of the paginated describes; DescribeAddresses has no pages. */
export const pageSize = 1_000

type Transition<I, A> = (state: State, at: number, input: I) => Answer<A>

const serviceOf = ({ send }: Requests): Service => {
  const call =
    <I, A>(operation: Operation, transition: Transition<I, A>) =>
    (input: I) =>
      send(actionOf(operation), input, (state, at) => transition(state, at, input))

  const ruling =
    (operation: Operation, transition: Transition<RulesRequest, void>) => (input: RulesRequest) =>
      send(actionOf(operation, input.direction), input, (state, at) => transition(state, at, input))

  /** The first page reads; the others cost a request each and bring the rest of it. */
  const paged =
    <I, A>(operation: Operation, read: Transition<I, ReadonlyArray<A>>) =>
    (input: I): Effect.Effect<ReadonlyArray<A>, Ec2Error> =>
      Effect.tap(call(operation, read)(input), (rows) => {
        const others = Array.from({ length: Math.max(0, Math.ceil(rows.length / pageSize) - 1) })
        const nextPage = send(actionOf(operation), { nextPageOf: input }, () => done)
        return Effect.forEach(others, () => nextPage, { discard: true })
      })

  /** A filter without values cannot be sent, and nothing would match it. */
  const filtered =
    <I extends Parameters<typeof Describe.matchesNothing>[0], A>(
      describe: (input: I) => Effect.Effect<ReadonlyArray<A>, Ec2Error>
    ) =>
    (input: I): Effect.Effect<ReadonlyArray<A>, Ec2Error> =>
      Describe.matchesNothing(input) ? Effect.succeed([]) : describe(input)

  const describeInstances = paged("describeInstances", Describe.instances)

  return Ec2.of({
    describeAddresses: filtered(call("describeAddresses", Describe.addresses)),
    describeSecurityGroups: filtered(paged("describeSecurityGroups", Describe.groups)),
    describeInstances: (instanceIds) =>
      instanceIds.length === 0 ? Effect.succeed([]) : describeInstances(instanceIds),
    describeNetworkInterfaces: filtered(paged("describeNetworkInterfaces", Describe.interfaces)),
    allocateAddress: call("allocateAddress", Addresses.allocate),
    associateAddress: call("associateAddress", Addresses.associate),
    disassociateAddress: call("disassociateAddress", Addresses.disassociate),
    releaseAddress: call("releaseAddress", Addresses.release),
    createSecurityGroup: call("createSecurityGroup", Groups.create),
    deleteSecurityGroup: call("deleteSecurityGroup", Groups.remove),
    authorizeSecurityGroupRules: ruling("authorizeSecurityGroupRules", Groups.authorize),
    revokeSecurityGroupRules: ruling("revokeSecurityGroupRules", Groups.revoke),
    updateSecurityGroupRuleDescriptions: ruling("updateSecurityGroupRuleDescriptions", Groups.describeRules),
    modifyNetworkInterfaceGroups: call("modifyNetworkInterfaceGroups", Groups.setOnInterface),
    createTags: call("createTags", Tags.create)
  })
}

/** A world of its own for every build of the layer. */
export const layer = (options: World.Options = {}): Layer.Layer<Ec2 | World.Ec2World> =>
  Layer.effectContext(
    Effect.map(World.make(options), ({ world, requests }) =>
      Context.make(World.Ec2World, world).pipe(Context.add(Ec2, serviceOf(requests)))
    )
  )
