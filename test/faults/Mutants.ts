/**
 * Operators that are broken on purpose: what the harness must notice.
 * Rule: each is one small defect, put around a good part; named after what it does, and after the known defect of the
 * Go implementation where it is one of those.
 */
import { Duration, Effect, Stream } from "effect"
import type { Raw } from "../../src/domain/Object.ts"
import type { Service as Ec2Service } from "../../src/ec2/Ec2.ts"
import { Ec2Error, fromCode } from "../../src/ec2/Ec2Error.ts"
import { type Service as KubernetesService, nodes } from "../../src/kubernetes/Kubernetes.ts"
import { Forbidden, KubernetesError } from "../../src/kubernetes/KubernetesError.ts"
import type { Outcome } from "../../src/simulation/faults/Outcome.ts"
import type { Breakage } from "./World.ts"

export interface Mutant {
  readonly name: string
  /** A workload that must give it away, with a fault where it takes one. */
  readonly workload: string
  /** At the first call of that name. */
  readonly fault?: readonly [call: string, outcome: Outcome]
  readonly breakage: Breakage
}

type Fields = Readonly<Record<string, unknown>>
const done: Effect.Effect<void> = Effect.void

const ec2 = (change: (good: Ec2Service) => Partial<Ec2Service>): Breakage => ({
  ec2: (good) => ({ ...good, ...change(good) })
})
const kubernetes = (change: (good: KubernetesService) => Partial<KubernetesService>): Breakage => ({
  kubernetes: (good) => ({ ...good, ...change(good) })
})
/** Groups that were made last, for the one that takes them for attached. */
const made = new Set<string>()
const specOf = (object: Raw): Fields => (object.spec ?? {}) as Fields
/** Of the groups with our tags, by id, all that is open in one direction. */
const permissionsOf = (good: Ec2Service, groupId: string) =>
  Effect.map(good.describeSecurityGroups({ groupIds: [groupId] }), (groups) => groups[0])

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "E10: an allocation whose answer was lost is sent again, the first one forgotten",
    workload: "address-created",
    fault: ["AllocateAddress", "lost answer"],
    breakage: ec2((good) => ({
      allocateAddress: (request) =>
        Effect.andThen(Effect.exit(good.allocateAddress({ tags: {} })), good.allocateAddress(request))
    }))
  },
  {
    name: "an address is never released, and it is said to be",
    workload: "address-deleted",
    breakage: ec2(() => ({ releaseAddress: () => done }))
  },
  {
    name: "an address is never disassociated, and it is said to be",
    workload: "address-cleared",
    breakage: ec2(() => ({ disassociateAddress: () => done }))
  },
  {
    name: "E12: an association that never happened is taken for one",
    workload: "node-joins",
    breakage: ec2(() => ({ associateAddress: () => Effect.succeed({ associationId: "eipassoc-none" }) }))
  },
  {
    name: "F6: only our own groups are written back to the interface",
    workload: "rule-added",
    breakage: ec2((good) => ({
      modifyNetworkInterfaceGroups: (request) =>
        good.modifyNetworkInterfaceGroups({ ...request, groupIds: request.groupIds.slice(-1) })
    }))
  },
  {
    name: "a group is never attached, and it is said to be",
    workload: "rule-added",
    breakage: ec2(() => ({ modifyNetworkInterfaceGroups: () => done }))
  },
  {
    name: "F15: a group that is empty is never deleted",
    workload: "rule-moved",
    breakage: ec2(() => ({ deleteSecurityGroup: () => done }))
  },
  {
    name: "a rule that nobody wants any more stays open",
    workload: "two-rules-on-one-port",
    breakage: ec2(() => ({ revokeSecurityGroupRules: () => done }))
  },
  {
    name: "a rule is never opened, and it is said to be",
    workload: "rule-added",
    breakage: ec2(() => ({ authorizeSecurityGroupRules: () => done }))
  },
  {
    name: "F1, F12: everything is closed before what is missing is opened",
    workload: "rule-changed",
    breakage: ec2((good) => ({
      authorizeSecurityGroupRules: (request) =>
        Effect.gen(function* () {
          const group = yield* permissionsOf(good, request.groupId)
          const open = (request.direction === "Ingress" ? group?.ingress : group?.egress) ?? []
          if (open.length > 0) {
            yield* Effect.exit(good.revokeSecurityGroupRules({ ...request, permissions: open }))
          }
          yield* good.authorizeSecurityGroupRules(request)
        })
    }))
  },
  {
    name: "more is opened than was asked for",
    workload: "rule-added",
    breakage: ec2((good) => ({
      authorizeSecurityGroupRules: (request) =>
        good.authorizeSecurityGroupRules({
          ...request,
          permissions: request.permissions.map((p) => ({
            ...p,
            ipv4: p.ipv4.map((r, n) => (n === 0 ? { ...r, source: "0.0.0.0/0" } : r))
          }))
        })
    }))
  },
  {
    name: "F25: a group has another name each time it is made",
    workload: "rule-added",
    fault: ["CreateSecurityGroup", "lost answer"],
    breakage: ec2((good) => {
      let n = 0
      return {
        createSecurityGroup: (request) => {
          n += 1
          return good.createSecurityGroup({
            ...request,
            name: `${request.name}-${n}`,
            tags: n === 1 ? {} : request.tags
          })
        }
      }
    })
  },
  {
    name: "the tags that make a resource ours are left away",
    workload: "address-created",
    fault: ["AllocateAddress", "lost answer"],
    breakage: ec2((good) => ({
      allocateAddress: () => good.allocateAddress({ tags: { owner: "somebody else" } })
    }))
  },
  {
    name: "somebody else's address is released along with ours",
    workload: "address-deleted",
    breakage: ec2((good) => ({
      releaseAddress: (request) =>
        Effect.gen(function* () {
          yield* good.releaseAddress(request)
          const others = yield* good.describeAddresses({ tags: { owner: ["somebody else"] } })
          for (const { allocationId } of others) yield* good.releaseAddress({ allocationId })
        })
    }))
  },
  {
    name: "E7: an instance that was not there at first is never looked for again",
    workload: "node-joins",
    breakage: ec2((good) => ({
      describeInstances: () => good.describeInstances([])
    }))
  },
  {
    name: "E9: a describe that fails is read as one that finds nothing",
    workload: "node-joins",
    fault: ["DescribeInstances", "RequestLimitExceeded"],
    breakage: ec2((good) => ({
      describeInstances: (ids) => Effect.catch(good.describeInstances(ids), () => Effect.never)
    }))
  },
  {
    name: "every describe of groups writes to them",
    workload: "rule-added",
    breakage: ec2((good) => ({
      describeSecurityGroups: (filter) =>
        Effect.tap(good.describeSecurityGroups(filter), (groups) =>
          Effect.forEach(groups, (g) =>
            Effect.exit(good.createTags({ resourceIds: [g.groupId], tags: g.tags }))
          )
        )
    }))
  },
  {
    name: "reads are repeated until EC2 refuses them",
    workload: "node-joins",
    breakage: ec2((good) => ({
      describeInstances: (ids) =>
        Effect.tap(good.describeInstances(ids), () =>
          Effect.exit(Effect.replicateEffect(good.describeInstances(ids), 400, { concurrency: "unbounded" }))
        )
    }))
  },
  {
    name: "E11: the address label of a node is never taken away",
    workload: "address-moved",
    breakage: kubernetes((good) => ({
      patch: (resource, ref, patch, o) => {
        const labels = ((patch.metadata ?? {}) as Fields).labels as Fields | undefined
        const takes = resource.kind === "Node" && Object.values(labels ?? {}).includes(null)
        return takes ? good.get(resource, ref) : good.patch(resource, ref, patch, o)
      }
    }))
  },
  {
    name: "a node never gets its label",
    workload: "node-joins",
    breakage: kubernetes((good) => ({
      patch: (resource, ref, patch, o) =>
        resource.kind === "Node" ? good.get(resource, ref) : good.patch(resource, ref, patch, o)
    }))
  },
  {
    name: "E12: the taint goes when the address is asked for, not when it is there",
    workload: "node-joins",
    breakage: kubernetes((good) => ({
      create: (resource, object, namespace) =>
        Effect.tap(good.create(resource, object, namespace), () => {
          const { nodeName } = specOf(object)
          if (resource.kind !== "ExternalIP" || typeof nodeName !== "string") return Effect.void
          return Effect.asVoid(Effect.exit(good.patch(nodes, { name: nodeName }, { spec: { taints: null } })))
        })
    }))
  },
  {
    name: "a node is given two ExternalIPs",
    workload: "node-joins",
    breakage: kubernetes((good) => ({
      create: (resource, object, namespace) =>
        Effect.tap(good.create(resource, object, namespace), () =>
          resource.kind === "ExternalIP"
            ? Effect.exit(
                good.create(
                  resource,
                  { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-2` } },
                  namespace
                )
              )
            : Effect.void
        )
    }))
  },
  {
    name: "the finalizer is said to be there and is not",
    workload: "address-deleted",
    breakage: kubernetes((good) => ({
      patch: (resource, ref, patch, o) => {
        const adds = ((patch.metadata ?? {}) as Fields).finalizers
        if (resource.kind !== "ExternalIP" || !Array.isArray(adds) || adds.length === 0) {
          return good.patch(resource, ref, patch, o)
        }
        return Effect.map(good.get(resource, ref), (object) => ({
          ...object,
          metadata: { ...object.metadata, finalizers: adds }
        }))
      }
    }))
  },
  {
    name: "observedGeneration is written one too low now and then",
    workload: "address-moved",
    breakage: kubernetes((good) => {
      let n = 0
      return {
        patch: (resource, ref, patch, o) => {
          const status = patch.status as Fields | undefined
          n += 1
          return good.patch(
            resource,
            ref,
            status?.observedGeneration === undefined || n % 2 === 0
              ? patch
              : {
                  ...patch,
                  status: { ...status, observedGeneration: Number(status.observedGeneration) - 1 }
                },
            o
          )
        }
      }
    })
  },
  {
    name: "status is never written, and it is said to be",
    workload: "rule-added",
    breakage: kubernetes((good) => ({
      patch: (resource, ref, patch, o) =>
        o?.subresource === "status" ? good.get(resource, ref) : good.patch(resource, ref, patch, o)
    }))
  },
  {
    name: "F19: deletions on a watch are not heard",
    workload: "node-deleted",
    breakage: kubernetes((good) => ({
      watch: (resource, o) =>
        Stream.filter(
          good.watch(resource, o),
          (event) => event.type !== "DELETED" || resource.kind !== "Node"
        )
    }))
  },
  {
    name: "changes of rules on a watch are not heard",
    workload: "rule-moved",
    breakage: kubernetes((good) => ({
      watch: (resource, o) =>
        Stream.filter(
          good.watch(resource, o),
          (event) => event.type !== "MODIFIED" || resource.kind !== "FirewallRule"
        )
    }))
  },
  {
    name: "new rules on a watch are not heard",
    workload: "rule-added",
    breakage: kubernetes((good) => ({
      watch: (resource, o) =>
        Stream.filter(
          good.watch(resource, o),
          (event) => event.type !== "ADDED" || resource.kind !== "FirewallRule"
        )
    }))
  },
  {
    name: "nodes of rules come from another cluster's point of view",
    workload: "rule-added",
    breakage: { settings: { clusterId: "another" } }
  },
  {
    name: "addresses are kept where nobody asked for it",
    workload: "address-deleted",
    breakage: kubernetes((good) => ({
      list: (resource, o) => good.list(resource, o),
      watch: (resource, o) =>
        Stream.map(good.watch(resource, o), (event) =>
          resource.kind === "ExternalIP" && event.type !== "BOOKMARK"
            ? {
                ...event,
                object: { ...event.object, spec: { ...specOf(event.object), preventEIPDeallocation: true } }
              }
            : event
        )
    }))
  },
  {
    name: "no group is ever found in EC2",
    workload: "rule-added",
    fault: ["CreateSecurityGroup", "crash after"],
    breakage: ec2(() => ({ describeSecurityGroups: () => Effect.succeed([]) }))
  },
  {
    name: "no address is ever found in EC2",
    workload: "address-created",
    fault: ["AllocateAddress", "crash after"],
    breakage: ec2(() => ({ describeAddresses: () => Effect.succeed([]) }))
  },
  {
    name: "F4, F5: what is closed on the old node is not closed at all when a rule moves",
    workload: "rule-moved",
    breakage: ec2((good) => ({
      deleteSecurityGroup: () => done,
      modifyNetworkInterfaceGroups: (request) =>
        Effect.flatMap(
          good.describeNetworkInterfaces({ networkInterfaceIds: [request.networkInterfaceId] }),
          ([now]) => {
            const isFewer = request.groupIds.length < (now?.groupIds.length ?? 0)
            return isFewer ? done : good.modifyNetworkInterfaceGroups(request)
          }
        )
    }))
  },
  {
    name: "F8, F9: what EC2 makes of a range or a protocol is never recognised",
    workload: "odd-rules",
    breakage: ec2((good) => ({
      describeSecurityGroups: (filter) =>
        Effect.map(good.describeSecurityGroups(filter), (groups) =>
          groups.map((g) => ({
            ...g,
            ingress: g.ingress.map((p) => ({
              ...p,
              ipv4: p.ipv4.map((r) => ({ ...r, source: "10.99.0.0/16" }))
            }))
          }))
        )
    }))
  },
  {
    name: "F13: what others add to our group is not seen",
    workload: "rule-added",
    fault: ["RevokeSecurityGroupEgress", "hand: a rule added"],
    breakage: ec2((good) => ({
      describeSecurityGroups: (filter) =>
        Effect.map(good.describeSecurityGroups(filter), (groups) =>
          groups.map((g) => ({ ...g, ingress: g.ingress.filter((p) => p.fromPort !== 6_666) }))
        )
    }))
  },
  {
    name: "F16: a rule whose node is gone is never let go",
    workload: "rule-deleted-after-its-node",
    breakage: ec2((good) => ({
      deleteSecurityGroup: (request) =>
        Effect.fail(
          new Ec2Error({
            operation: "DeleteSecurityGroup",
            reason: fromCode("DependencyViolation", `${request.groupId} needs a running instance`)
          })
        ),
      revokeSecurityGroupRules: (request) =>
        request.direction === "Egress" ? good.revokeSecurityGroupRules(request) : Effect.never
    }))
  },
  {
    name: "F17: drift is never looked for",
    workload: "taken-off-by-hand-twice",
    breakage: { settings: { driftInterval: Duration.infinity } }
  },
  {
    name: "F18: any error while closing lets the object go",
    workload: "rule-disabled-and-deleted",
    fault: ["DeleteSecurityGroup", "DependencyViolation"],
    breakage: ec2((good) => ({
      deleteSecurityGroup: (request) => Effect.ignore(good.deleteSecurityGroup(request))
    }))
  },
  {
    name: "F26: a group is taken for attached because the node has the name of one that had it",
    workload: "node-of-a-rule-replaced",
    breakage: ec2((good) => ({
      describeInstances: (ids) =>
        Effect.map(good.describeInstances(ids), (instances) =>
          instances.map((i) => ({
            ...i,
            interfaces: i.interfaces.map((n) => ({ ...n, groupIds: [...n.groupIds, ...made] }))
          }))
        ),
      createSecurityGroup: (request) =>
        Effect.tap(good.createSecurityGroup(request), ({ groupId }) =>
          Effect.sync(() => {
            made.clear()
            made.add(groupId)
          })
        )
    }))
  },
  {
    name: "E2, E3: pods are never known to run: a node in use is robbed",
    workload: "cordoned-with-pod",
    breakage: kubernetes((good) => ({
      watch: (resource, o) => (resource.kind === "Pod" ? Stream.never : good.watch(resource, o)),
      create: (resource, object, namespace) =>
        resource.kind === "ExternalIP"
          ? Effect.fail(
              new KubernetesError({
                operation: "create externalips",
                reason: new Forbidden({ message: "broken" })
              })
            )
          : good.create(resource, object, namespace)
    }))
  },
  {
    name: "E13: the instance is erased from the status",
    workload: "rule-follows-address",
    breakage: kubernetes((good) => ({
      patch: (resource, ref, patch, o) => {
        const status = patch.status as Fields | undefined
        return resource.kind === "ExternalIP" && status !== undefined
          ? good.patch(resource, ref, { ...patch, status: { ...status, instanceID: null } }, o)
          : good.patch(resource, ref, patch, o)
      }
    }))
  },
  {
    name: "E16: an address is put where another one is, which is pushed off",
    workload: "node-holds-anothers-address",
    breakage: {
      conditions: { occupiedInterface: "displaced" },
      ec2: (good) => ({
        ...good,
        // Everything that is there looks as if Amazon had assigned it.
        describeInstances: (ids) =>
          Effect.map(good.describeInstances(ids), (instances) =>
            instances.map((i) => ({
              ...i,
              interfaces: i.interfaces.map((n) => ({
                ...n,
                publicIp: n.publicIp === undefined ? undefined : { ...n.publicIp, owner: "amazon" }
              }))
            }))
          )
      })
    }
  },
  {
    name: "an address is attached, detached and attached again",
    workload: "address-on-node",
    breakage: ec2((good) => ({
      associateAddress: (request) =>
        Effect.gen(function* () {
          yield* good.disassociateAddress(yield* good.associateAddress(request))
          return yield* good.associateAddress(request)
        })
    }))
  },
  {
    name: "E19: an address is disassociated and associated again at every look",
    workload: "address-on-node",
    breakage: ec2((good) => ({
      describeAddresses: (filter) =>
        Effect.tap(good.describeAddresses(filter), (addresses) =>
          Effect.forEach(addresses, (a) =>
            a.association === undefined
              ? Effect.void
              : Effect.andThen(
                  Effect.exit(good.disassociateAddress(a.association)),
                  Effect.exit(
                    good.associateAddress({
                      allocationId: a.allocationId,
                      networkInterfaceId: a.association.networkInterfaceId
                    })
                  )
                )
          )
        )
    }))
  },
  {
    name: "the lease is not asked for before a write",
    workload: "leader-changes",
    fault: ["update leases", "crash before"],
    breakage: { leadership: (good) => ({ ...good, mayWrite: Effect.succeed(true), acquired: Effect.void }) }
  },
  {
    name: "a lease that is lost is not noticed",
    workload: "leader-changes",
    breakage: {
      leadership: (good) => ({ ...good, lost: Effect.never, mayWrite: Effect.succeed(true) }),
      kubernetes: (good) => ({
        ...good,
        update: (resource, ref, object) =>
          resource.kind === "Lease" ? Effect.never : good.update(resource, ref, object)
      })
    }
  },
  {
    name: "requests are sent twice as fast as EC2 lets them",
    workload: "three-nodes-at-once",
    breakage: ec2((good) => ({
      associateAddress: (request) =>
        Effect.andThen(
          Effect.exit(
            Effect.replicateEffect(good.associateAddress(request), 60, { concurrency: "unbounded" })
          ),
          good.associateAddress(request)
        )
    }))
  },
  {
    name: "the address goes before the label does",
    workload: "address-moved",
    breakage: kubernetes((good) => ({
      watch: (resource, o) =>
        Stream.map(good.watch(resource, o), (event) => {
          if (resource.kind !== "Node" || event.type === "BOOKMARK") return event
          const labels = { ...((event.object.metadata.labels ?? {}) as Fields) }
          delete labels["kubestatic.quortex.io/externalip"]
          return { ...event, object: { ...event.object, metadata: { ...event.object.metadata, labels } } }
        }),
      patch: (resource, ref, patch, o) =>
        Effect.map(good.patch(resource, ref, patch, o), (object) => {
          if (resource.kind !== "Node") return object
          return { ...object, metadata: { ...object.metadata, labels: {} } }
        })
    }))
  },
  {
    name: "an object is let go while its address is still there",
    workload: "address-deleted",
    breakage: ec2((good) => ({
      releaseAddress: (request) =>
        Effect.sync(() => {
          void request
          return good
        }).pipe(Effect.asVoid)
    }))
  },
  {
    name: "status says Associated as soon as the address is reserved",
    workload: "address-on-node",
    breakage: kubernetes((good) => ({
      patch: (resource, ref, patch, o) => {
        const status = patch.status as Fields | undefined
        return resource.kind === "ExternalIP" && status?.state === "Reserved"
          ? good.patch(resource, ref, { ...patch, status: { ...status, state: "Associated" } }, o)
          : good.patch(resource, ref, patch, o)
      }
    }))
  },
  {
    name: "status says Applied as soon as a rule is seen",
    workload: "rule-added",
    breakage: kubernetes((good) => ({
      patch: (resource, ref, patch, o) =>
        Effect.tap(good.patch(resource, ref, patch, o), () =>
          resource.kind === "FirewallRule" && o?.subresource === undefined
            ? Effect.exit(
                good.patch(
                  resource,
                  ref,
                  { status: { state: "Applied", nodeName: "a" } },
                  { subresource: "status" }
                )
              )
            : Effect.void
        )
    }))
  }
]
