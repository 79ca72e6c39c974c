/**
 * Calls made of one EC2, and its answers, normalised.
 * Rule: ids and addresses are compared by the order in which they appeared, and the order of rows and rules says
 * nothing; everything else stays. What there is at the end is described whole.
 */
import { Effect } from "effect"
import type { IpPermission } from "../../../src/domain/Permission.ts"
import type { NetworkInterface, Service } from "../../../src/ec2/Ec2.ts"
import type { Ec2Error } from "../../../src/ec2/Ec2Error.ts"
import type { Line, Transcript } from "./Conformance.ts"
import * as Ids from "./Ec2Ids.ts"
import { described, type Made, type Ref, type Request } from "./Ec2Request.ts"

export interface Instance {
  readonly instanceId: string
  readonly networkInterfaceId: string
}

export interface Account {
  readonly service: Service
  /** Running, with one interface each. */
  readonly instances: ReadonlyArray<Instance>
  readonly terminate: (instanceId: string) => Effect.Effect<unknown>
}

const ordered = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> =>
  values.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

const answerTo = <A>(call: Effect.Effect<A, Ec2Error>, answer: (a: A) => unknown): Effect.Effect<unknown> =>
  Effect.match(call, {
    onSuccess: answer,
    onFailure: ({ reason }) => ({ refused: "code" in reason ? reason.code : reason._tag })
  })

const asRules = (permissions: ReadonlyArray<IpPermission>): ReadonlyArray<unknown> =>
  ordered(
    permissions.map((p) => ({
      protocol: p.protocol,
      fromPort: p.fromPort,
      toPort: p.toPort,
      ipv4: ordered(p.ipv4),
      ipv6: ordered(p.ipv6),
      prefixLists: ordered(p.prefixLists),
      groups: ordered(p.groups)
    }))
  )

const make = ({ service, terminate }: Account, ids: Ids.Ids) => {
  const done = () => "done"
  const made =
    <A>(kind: Made, idOf: (answer: A) => string) =>
    (answer: A): unknown => {
      ids.add(kind, idOf(answer))
      return ids.renamed(answer)
    }
  const rows =
    <A>(idOf: (row: A) => string, told: (row: A) => unknown = (row) => row) =>
    (all: ReadonlyArray<A>): unknown =>
      all
        .toSorted((a, b) => ((ids.nameOf(idOf(a)) ?? "") < (ids.nameOf(idOf(b)) ?? "") ? -1 : 1))
        .map((row) => ids.renamed(told(row)))
  const all = (refs: ReadonlyArray<Ref>, kind: Made) => refs.map((ref) => ids.resolve(ref, kind))
  const some = <K extends string>(key: K, refs: ReadonlyArray<Ref> | undefined, kind: Made) => {
    const filter: { [P in K]?: ReadonlyArray<string> } = {}
    if (refs !== undefined) filter[key] = all(refs, kind)
    return filter
  }

  const answer = (r: Request): Effect.Effect<unknown> => {
    switch (r.call) {
      case "allocateAddress":
        return answerTo(service.allocateAddress({ tags: r.tags }), (a) => {
          ids.add("public-address", a.publicIp)
          return made<typeof a>("address", (made) => made.allocationId)(a)
        })
      case "associateAddress": {
        const request = {
          allocationId: ids.resolve(r.address, "address"),
          networkInterfaceId: ids.resolve(r.interface, "interface")
        }
        return answerTo(service.associateAddress(request), (a) => {
          // It is idempotent: the same one again.
          if (ids.nameOf(a.associationId) === undefined) ids.add("association", a.associationId)
          return ids.renamed(a)
        })
      }
      case "disassociateAddress":
        return answerTo(
          service.disassociateAddress({ associationId: ids.resolve(r.association, "association") }),
          done
        )
      case "releaseAddress":
        return answerTo(service.releaseAddress({ allocationId: ids.resolve(r.address, "address") }), done)
      case "createSecurityGroup": {
        const { description, name, tags } = r
        return answerTo(
          service.createSecurityGroup({ name, description, tags, vpcId: ids.resolve(r.vpc, "vpc") }),
          made("group", (a) => a.groupId)
        )
      }
      case "deleteSecurityGroup":
        return answerTo(service.deleteSecurityGroup({ groupId: ids.resolve(r.group, "group") }), done)
      case "authorizeSecurityGroupRules":
      case "revokeSecurityGroupRules":
      case "updateSecurityGroupRuleDescriptions": {
        const groups = all(r.sources, "group").map((source) => ({ source, description: "" }))
        const permissions = r.permissions.map((p, i) => (i === 0 ? { ...p, groups } : p))
        const { direction } = r
        return answerTo(
          service[r.call]({ groupId: ids.resolve(r.group, "group"), direction, permissions }),
          done
        )
      }
      case "modifyNetworkInterfaceGroups":
        return answerTo(
          service.modifyNetworkInterfaceGroups({
            networkInterfaceId: ids.resolve(r.interface, "interface"),
            groupIds: [...new Set(all(r.groups, "group"))]
          }),
          done
        )
      case "createTags":
        return answerTo(
          service.createTags({ resourceIds: [...new Set(all(r.resources, "address"))], tags: r.tags }),
          done
        )
      case "describeAddresses":
        return answerTo(
          service.describeAddresses({
            ...some("allocationIds", r.ids, "address"),
            ...(r.tags === undefined ? {} : { tags: r.tags })
          }),
          rows((a) => a.allocationId)
        )
      case "describeSecurityGroups":
        return answerTo(
          service.describeSecurityGroups({
            ...some("groupIds", r.ids, "group"),
            ...some("vpcIds", r.vpcs, "vpc"),
            ...(r.tags === undefined ? {} : { tags: r.tags }),
            ...(r.names === undefined ? {} : { names: r.names })
          }),
          rows(
            (g) => g.groupId,
            (g) => ({ ...g, ingress: asRules(g.ingress), egress: asRules(g.egress) })
          )
        )
      case "describeInstances":
        return answerTo(
          service.describeInstances(all(r.ids, "instance")),
          rows(
            (i) => i.instanceId,
            (i) => ({ ...i, interfaces: i.interfaces.map(asInterface) })
          )
        )
      case "describeNetworkInterfaces":
        return answerTo(
          service.describeNetworkInterfaces({
            ...some("networkInterfaceIds", r.ids, "interface"),
            ...some("groupIds", r.groups, "group"),
            ...some("instanceIds", r.instances, "instance")
          }),
          rows((i: NetworkInterface) => i.networkInterfaceId, asInterface)
        )
      case "terminate":
        return Effect.as(terminate(ids.resolve(r.instance, "instance")), "done")
    }
  }

  const asInterface = ({ groupIds, ...rest }: NetworkInterface) => ({
    ...rest,
    groupIds: groupIds.toSorted((a, b) => ((ids.nameOf(a) ?? "") < (ids.nameOf(b) ?? "") ? -1 : 1))
  })
  return { answer }
}

export const perform = (account: Account, sequence: ReadonlyArray<Request>): Effect.Effect<Transcript> =>
  Effect.gen(function* () {
    const ids = Ids.make()
    for (const { instanceId, networkInterfaceId } of account.instances) {
      ids.add("instance", instanceId)
      ids.add("interface", networkInterfaceId)
    }
    const [first] = yield* Effect.orDie(
      account.service.describeNetworkInterfaces({
        networkInterfaceIds: account.instances.map((i) => i.networkInterfaceId)
      })
    )
    ids.add("vpc", first?.vpcId ?? "")
    ids.add("default-group", first?.groupIds[0] ?? "")
    const { answer } = make(account, ids)
    const instances = account.instances.map((_, n) => ({ made: "instance", n }) as const)
    const atTheEnd: ReadonlyArray<Request> = [
      { call: "describeAddresses" },
      { call: "describeSecurityGroups" },
      { call: "describeInstances", ids: instances },
      { call: "describeNetworkInterfaces", instances }
    ]
    const lines: Array<Line> = []
    for (const request of sequence) {
      lines.push({ asked: described(request), about: request.call, answer: yield* answer(request) })
    }
    for (const request of atTheEnd) {
      lines.push({
        asked: `at the end: ${described(request)}`,
        about: request.call,
        answer: yield* answer(request)
      })
    }
    return lines
  })
