/**
 * The actor of one node's security group.
 * Rule: the only writer of the groups tagged for the node, of their rules and of their place on interfaces.
 */
import { Clock, Duration, Effect, Metric, Semaphore } from "effect"
import type { Behaviour } from "../../actor/ActorSystem.ts"
import { reconcile } from "../../actor/Reconcile.ts"
import { Reason } from "../../domain/Condition.ts"
import { type DriftKind, driftRepaired } from "../../domain/Metrics.ts"
import { Tag } from "../../domain/Names.ts"
import * as Permission from "../../domain/Permission.ts"
import { Ec2, type NetworkInterface } from "../../ec2/Ec2.ts"
import { type Ec2Error, isAmbiguous } from "../../ec2/Ec2Error.ts"
import { Urgency } from "../../ec2/Governor.ts"
import * as Group from "../../ec2/Group.ts"
import type { GroupRecord } from "../../ec2/Inventory.ts"
import { Events } from "../../kubernetes/Events.ts"
import { describe, type Failure, NotYet, reasonOf } from "../Failure.ts"
import type { ActorRef } from "../Kinds.ts"
import { Mirrors } from "../Mirrors.ts"
import * as Reports from "../Reports.ts"
import { Settings } from "../Settings.ts"
import { surroundings } from "../Surroundings.ts"
import { everywhere, everywhereIpv6, makeIpv6 } from "./DefaultRules.ts"
import * as GroupList from "./GroupList.ts"
import { membersOf } from "./Members.ts"
import * as Plan from "./Plan.ts"
import { anyNumber, nextBatch } from "./Quota.ts"
import type { Refusal } from "./Union.ts"

/** How long a refusal by quota is believed: quotas are raised by hand. */
const limitLifetime = Duration.minutes(5)

const mutations: ReadonlySet<Plan.Step["_tag"]> = new Set([
  "CreateGroup",
  "TagGroup",
  "Authorize",
  "Revoke",
  "Fill",
  "Describe",
  "DeleteGroup"
])

/** What may open a rule, or make the group that it is opened in. */
const openings: ReadonlySet<Plan.Step["_tag"]> = new Set(["CreateGroup", "Authorize", "Fill"])

type Settle = (believed: Group.Group, read: Group.Group) => Group.Group

/** Of one node's group, kept between runs. */
interface Lasting {
  readonly refusals: Map<string, Refusal>
  readonly limits: { Ingress: number | undefined; Egress: number | undefined }
  limitsUntil: number | undefined
  readonly described: Set<string>
  readonly unknownGroups: Set<string>
  /** Made by this process, or brought to its union once: what goes from it now is no leftover of before. */
  readonly settledGroups: Set<string>
  /** Made by this process; what EC2 gave it beside was not looked for yet. */
  readonly unread: Set<string>
}

/** Of one run. */
interface Run {
  readonly began: number
  readonly batch: Record<Permission.Direction, number>
  readonly attachments: Map<string, ReadonlyArray<NetworkInterface>>
  readonly made: Set<string>
  readonly readBack: Set<string>
  readonly opened: Set<string>
  readonly stuck: Set<string>
  readonly undeletable: Set<string>
  nameTakenBy: string | undefined
  leftovers: ReadonlyArray<Permission.Permission>
}

export const make = Effect.gen(function* () {
  const ec2 = yield* Ec2
  const events = yield* Events
  const mirrors = yield* Mirrors
  const settings = yield* Settings
  const groupList = yield* GroupList.make
  const { inventory } = mirrors
  const around = surroundings(mirrors)
  const memory = new Map<string, Lasting>()
  const ipv6 = makeIpv6()
  /** One at a time: what the first one learns of a VPC the others need not ask, and come back for. */
  const asking = yield* Semaphore.make(1)

  const lastingOf = (nodeName: string): Lasting => {
    const known = memory.get(nodeName)
    if (known !== undefined) return known
    const fresh: Lasting = {
      refusals: new Map(),
      limits: { Ingress: undefined, Egress: undefined },
      limitsUntil: undefined,
      described: new Set(),
      unknownGroups: new Set(),
      settledGroups: new Set(),
      unread: new Set()
    }
    memory.set(nodeName, fresh)
    return fresh
  }

  const observe = (nodeName: string, lasting: Lasting, run: Run, now: number): Plan.Observed => {
    if (lasting.limitsUntil !== undefined && lasting.limitsUntil <= now) {
      lasting.limits.Ingress = undefined
      lasting.limits.Egress = undefined
      lasting.limitsUntil = undefined
    }
    const node = mirrors.nodes.get(nodeName)
    const placement = node === undefined ? undefined : settings.placementOf(node)
    const instanceId = placement?._tag === "Instance" ? placement.instanceId : undefined
    const groups = inventory.groupsOf(nodeName)
    const members = membersOf(nodeName, instanceId, groups, mirrors, around)
    const isOurs = (group: GroupRecord) =>
      [settings.clusterId, ...settings.adoptClusterIds].includes(group.tags[Tag.clusterId] ?? "")
    const inStatus = members.wanted.flatMap((r) =>
      r.status.firewallRuleID === undefined ? [] : [r.status.firewallRuleID]
    )
    return {
      now,
      runBegan: run.began,
      nodeName,
      node,
      placement,
      sighting: instanceId === undefined ? undefined : inventory.instance(instanceId),
      groups,
      foreignGroup: inStatus.map((id) => inventory.group(id)).find((g) => g !== undefined && !isOurs(g)),
      unreadGroupId: inStatus.find(
        (id) => inventory.group(id) === undefined && !lasting.unknownGroups.has(id)
      ),
      wanted: members.wanted,
      staying: members.staying,
      isFrozen: members.isFrozen,
      holdingAddress:
        instanceId === undefined
          ? undefined
          : inventory.addressesOn(instanceId)[0]?.association?.networkInterfaceId,
      memory: {
        refusals: lasting.refusals,
        limits: lasting.limits,
        limitsUntil: lasting.limitsUntil,
        batch: run.batch,
        described: lasting.described,
        attachments: run.attachments,
        made: run.made,
        unread: lasting.unread,
        readBack: run.readBack,
        opened: run.opened,
        stuck: run.stuck,
        undeletable: run.undeletable,
        nameTakenBy: run.nameTakenBy
      },
      policy: settings
    }
  }

  const self = (nodeName: string): ActorRef => ({ kind: "SecurityGroup", key: nodeName })
  const latest = (group: GroupRecord): GroupRecord => inventory.group(group.groupId) ?? group

  /** After an answer that the mirror did not foresee, the group is read again before anything else. */
  const doubting =
    (nodeName: string, group: GroupRecord, settle: Settle) =>
    <A>(effect: Effect.Effect<A, Ec2Error>) =>
      Effect.tapError(effect, ({ reason }) =>
        Effect.sync(() => {
          if (isAmbiguous(reason) || reason._tag === "Duplicate" || reason._tag === "Gone") {
            mirrors.attributed(self(nodeName), () => inventory.doubtGroup(group.groupId, settle))
          }
        })
      )

  const publish = (nodeName: string, report: Reports.Report) =>
    mirrors.attributed(self(nodeName), () => mirrors.publish(report))
  const begin = (nodeName: string, o: Plan.Observed): void => {
    const begun = Reports.begin(mirrors.report(nodeName), nodeName, o.wanted)
    if (begun !== undefined) publish(nodeName, begun)
  }

  const performFor = (nodeName: string, lasting: Lasting, run: Run) => {
    const wrote = (write: () => void) => mirrors.attributed(self(nodeName), write)
    const wroteRules = (
      group: GroupRecord,
      change: (present: ReadonlyArray<Permission.Permission>) => ReadonlyArray<Permission.Permission>
    ) =>
      wrote(() => {
        const now = latest(group)
        inventory.wroteGroup({ ...now, permissions: change(now.permissions) })
      })
    const sameKey = (p: Permission.Permission) => {
      const key = Permission.key(p)
      return (other: Permission.Permission) => Permission.key(other) === key
    }
    const request = (step: {
      readonly group: GroupRecord
      readonly direction: Permission.Direction
      readonly permissions: ReadonlyArray<Permission.Permission>
    }) => ({
      groupId: step.group.groupId,
      direction: step.direction,
      permissions: Permission.merge(step.permissions)
    })

    const authorize = Effect.fnUntraced(function* (
      step: Extract<Plan.Step, { _tag: "Authorize" }>,
      o: Plan.Observed
    ) {
      const { direction, group, permissions } = step
      const opened = () => {
        for (const p of permissions) run.opened.add(Permission.key(p))
        wroteRules(group, (present) => [...present, ...permissions])
      }
      const isBatch = permissions.length > 1
      yield* ec2.authorizeSecurityGroupRules(request(step)).pipe(
        Effect.tap(() => Effect.sync(opened)),
        Effect.catchReasons("Ec2Error", {
          Duplicate: () =>
            Effect.sync(() => {
              // Alone, "duplicate" says that it is there; in a batch, that the mirror is behind.
              if (!isBatch) return opened()
              run.batch[direction] = 1
              wrote(() => inventory.doubtGroup(group.groupId, Group.withRulesOf(permissions)))
            }),
          Mistake: (reason) =>
            Effect.sync(() => {
              // One bad rule refuses the batch: each goes alone, and only the bad one stays behind.
              if (isBatch) {
                run.batch[direction] = 1
                return
              }
              const [permission] = permissions
              const owners =
                permission === undefined ? [] : Plan.union(o).owners.get(Permission.key(permission))
              for (const rule of owners ?? []) {
                lasting.refusals.set(rule.metadata.uid, {
                  generation: rule.metadata.generation,
                  message: reason.message
                })
              }
            }),
          QuotaExceeded: (_, error) =>
            Effect.gen(function* () {
              if (reasonOf(error) !== Reason.RuleLimitExceeded) return yield* error
              const present = latest(group).permissions.filter((p) => p.direction === direction).length
              if (isBatch) {
                run.batch[direction] = nextBatch(present, permissions.length)
                return
              }
              run.batch[direction] = anyNumber
              lasting.limits[direction] = present
              lasting.limitsUntil ??= o.now + Duration.toMillis(limitLifetime)
            })
        }),
        doubting(nodeName, group, Group.withRulesOf(permissions))
      )
    })

    const revoke = Effect.fnUntraced(function* (step: Extract<Plan.Step, { _tag: "Revoke" }>) {
      const { direction, group, permissions } = step
      const closed = () =>
        wroteRules(group, (present) => present.filter((p) => !permissions.some(sameKey(p))))
      /** Ours; or one of others that a rule refers to, and then only that rule stays. */
      const missedGroup = () => {
        if (permissions.every((p) => p.sourceKind !== "groups"))
          return wrote(() => inventory.deletedGroup(group.groupId))
        if (permissions.length > 1) run.batch[direction] = 1
        else for (const p of permissions) run.stuck.add(Permission.key(p))
      }
      const forgetWhatIsGone = () => {
        // A mismatch revokes nothing: alone, it is gone; in a batch, the mirror is behind.
        if (permissions.length === 1) return closed()
        run.batch[direction] = 1
        wrote(() => inventory.doubtGroup(group.groupId, Group.withRulesOf(permissions)))
      }
      yield* ec2.revokeSecurityGroupRules(request(step)).pipe(
        Effect.tap(() =>
          Effect.sync(() => {
            closed()
            if (!lasting.settledGroups.has(group.groupId)) run.leftovers = [...run.leftovers, ...permissions]
          })
        ),
        Effect.catchReason("Ec2Error", "Gone", ({ code }, error) =>
          Effect.suspend(() => {
            // What was made just now is not gone: EC2's view lags, and the next pass reads.
            if (run.made.has(group.groupId)) return Effect.fail(error)
            if (code === "InvalidGroup.NotFound") missedGroup()
            else forgetWhatIsGone()
            return Effect.void
          })
        ),
        doubting(nodeName, group, Group.withRulesOf(permissions))
      )
    })

    const describeRules = Effect.fnUntraced(function* (
      step: Extract<Plan.Step, { _tag: "Describe" }>,
      o: Plan.Observed
    ) {
      const { group, permissions } = step
      for (const p of permissions) lasting.described.add(Plan.describedKey(group.groupId, p))
      yield* ec2.updateSecurityGroupRuleDescriptions(request(step)).pipe(
        Effect.tap(() =>
          Effect.sync(() =>
            wroteRules(group, (present) => present.map((p) => permissions.find(sameKey(p)) ?? p))
          )
        ),
        Effect.catch((error) => {
          if (error.reason._tag === "Throttled" || isAmbiguous(error.reason)) {
            for (const p of permissions) lasting.described.delete(Plan.describedKey(group.groupId, p))
            return Effect.fail(error)
          }
          // The port is open as asked; only the text in EC2 stays behind.
          const union = Plan.union(o)
          const owners = new Set(
            permissions.flatMap((p) => union.owners.get(Permission.key(p))?.slice(0, 1) ?? [])
          )
          return Effect.forEach(
            owners,
            (rule) =>
              events.publish({
                regarding: { kind: "FirewallRule", name: rule.metadata.name, uid: rule.metadata.uid },
                type: "Warning",
                reason: "DescriptionNotUpdated",
                action: "UpdateDescription",
                note: `The rule is open; EC2 keeps its earlier description: ${describe(error)}`
              }),
            { discard: true }
          )
        })
      )
    })

    const createGroup = Effect.fnUntraced(function* (
      step: Extract<Plan.Step, { _tag: "CreateGroup" }>,
      o: Plan.Observed
    ) {
      const { name, tags, vpcId } = step
      const description = `Rules of node ${nodeName}, kept by kubestatic`
        .replaceAll(/[^a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]/g, "_")
        .slice(0, 255)
      yield* ec2.createSecurityGroup({ name, description, vpcId, tags }).pipe(
        Effect.map(({ groupId }) => {
          lasting.settledGroups.add(groupId)
          run.made.add(groupId)
          if (!ipv6.isKnown(vpcId, o.now)) lasting.unread.add(groupId)
          const permissions = ipv6.has(vpcId, o.now) ? [everywhere, everywhereIpv6] : [everywhere]
          wrote(() => inventory.wroteGroup({ groupId, name, vpcId, tags, permissions }))
        }),
        Effect.catchReason("Ec2Error", "Duplicate", (_, error) =>
          Effect.gen(function* () {
            // The name is ours by design: most likely the reply of an earlier attempt was lost.
            const found = yield* inventory.readGroupNamed(name, vpcId)
            if (found === undefined) return yield* error
            if (inventory.groupsOf(nodeName).some((g) => g.groupId === found.groupId)) return
            run.nameTakenBy = found.groupId
          })
        )
      )
    })

    const readBack = Effect.fnUntraced(function* (
      step: Extract<Plan.Step, { _tag: "ReadBack" }>,
      o: Plan.Observed
    ) {
      const { groupId, vpcId } = step.group
      const isEverywhere = sameKey(everywhereIpv6)
      run.readBack.add(groupId)
      yield* asking
        .withPermitsIfAvailable(1)(
          Effect.suspend(() =>
            ipv6.isKnown(vpcId, o.now)
              ? Effect.void
              : Effect.map(inventory.showGroup(groupId), (shown) => {
                  if (shown !== undefined) ipv6.learn(vpcId, shown.permissions.some(isEverywhere), o.now)
                })
          )
          // What is open stays as it is said to be, whatever becomes of this: the next run asks again.
        )
        .pipe(Effect.ignore)
      if (!ipv6.isKnown(vpcId, o.now)) return
      lasting.unread.delete(groupId)
      if (ipv6.has(vpcId, o.now))
        wroteRules(step.group, (present) => [...present.filter((p) => !isEverywhere(p)), everywhereIpv6])
    })

    /** Puts the group on an interface, or takes it off. */
    const regroup = Effect.fnUntraced(function* (
      step: Extract<Plan.Step, { _tag: "Attach" | "Detach" }>,
      o: Plan.Observed
    ) {
      const { groupId, networkInterfaceId } = step
      const isMember = step._tag === "Attach"
      yield* groupList
        .write({ networkInterfaceId, groupId, isMember }, (networkInterface) => {
          wrote(() => inventory.wroteInterface(networkInterface))
          // Open from here on, by EC2's own reply; the read that follows looks for what others did meanwhile.
          if (isMember) publish(nodeName, Plan.reportOf(observe(nodeName, lasting, run, o.now), undefined))
        })
        .pipe(
          // An interface that is gone carries no group; to attach to it, look where the instance is now.
          Effect.catchReason("Ec2Error", "Gone", (_, error) => (isMember ? Effect.fail(error) : Effect.void)),
          Effect.tapError(() =>
            Effect.sync(() => {
              const placement = o.placement
              if (placement?._tag === "Instance") inventory.doubtInstance(placement.instanceId)
            })
          )
        )
      const seen = run.attachments.get(groupId)
      if (!isMember && seen !== undefined) {
        run.attachments.set(
          groupId,
          seen.filter((i) => i.networkInterfaceId !== networkInterfaceId)
        )
      }
    })

    /** Of a group that cannot go: nothing is open through it, or was found to be in this run. */
    const isEmptied = (groupId: string): boolean =>
      run.undeletable.has(groupId) || (inventory.group(groupId)?.permissions ?? []).length === 0

    return Effect.fnUntraced(function* (step: Plan.Step, o: Plan.Observed) {
      switch (step._tag) {
        case "ReadGroup": {
          const found = yield* inventory.readGroup(step.groupId)
          if (found === undefined) lasting.unknownGroups.add(step.groupId)
          return
        }
        case "ReadBack": {
          yield* readBack(step, o)
          return
        }
        case "ReadAttachments":
          run.attachments.set(step.groupId, yield* inventory.readInterfacesOfGroup(step.groupId))
          return
        case "LookUpInstance":
          yield* inventory.lookUpInstance(step.instanceId)
          return
        case "CreateGroup":
          yield* createGroup(step, o)
          return
        case "TagGroup": {
          const { groupId } = step.group
          yield* ec2
            .createTags({ resourceIds: [groupId], tags: step.tags })
            .pipe(doubting(nodeName, step.group, Group.withTagsOf))
          const group = latest(step.group)
          wrote(() => inventory.wroteGroup({ ...group, tags: { ...group.tags, ...step.tags } }))
          return
        }
        case "Authorize":
          yield* authorize(step, o)
          return
        case "Revoke":
          yield* revoke(step)
          return
        case "Fill": {
          const exits = yield* Effect.forEach(
            step.parts,
            (part) => Effect.exit(part._tag === "Authorize" ? authorize(part, o) : revoke(part)),
            { concurrency: "unbounded" }
          )
          // Each part has told what it did; the first that failed decides how it goes on.
          for (const exit of exits) yield* exit
          return
        }
        case "Describe":
          yield* describeRules(step, o)
          return
        case "Attach":
          yield* regroup(step, o)
          return
        case "Detach": {
          const { groupId, isDismantled } = step
          yield* regroup(step, o).pipe(
            Effect.catch((error) => {
              const isLag = error._tag === "NotYet" && error.isLag
              if (!isDismantled || isLag || isEmptied(groupId)) return Effect.fail(error)
              run.undeletable.add(groupId)
              return Effect.void
            })
          )
          return
        }
        case "DeleteGroup": {
          const { groupId } = step.group
          yield* ec2.deleteSecurityGroup({ groupId }).pipe(
            Effect.catchReason("Ec2Error", "Gone", () => Effect.void),
            Effect.tapError((error) =>
              Effect.sync(() => {
                run.attachments.delete(groupId)
                if (isAmbiguous(error.reason)) wrote(() => inventory.doubtGroup(groupId, Group.unlessDeleted))
              })
            ),
            Effect.catchReason("Ec2Error", "Busy", (_, error) => {
              // Something else holds it: at least nothing stays open through it.
              const hasRules = !isEmptied(groupId)
              run.undeletable.add(groupId)
              return hasRules ? Effect.succeed("Kept" as const) : Effect.fail(error)
            }),
            Effect.tap((kept) =>
              kept === "Kept" ? Effect.void : Effect.sync(() => wrote(() => inventory.deletedGroup(groupId)))
            )
          )
          return
        }
        case "Wait":
          return yield* new NotYet({ message: step.why, isLag: false })
      }
    })
  }

  /** What an earlier version left open and nobody asks for: told once, when the group is first brought in order. */
  const tellLeftovers = Effect.fnUntraced(function* (nodeName: string, run: Run) {
    if (run.leftovers.length === 0) return
    yield* Metric.update(
      Metric.withAttributes(driftRepaired, { kind: "leftover" satisfies DriftKind }),
      run.leftovers.length
    )
    const node = mirrors.nodes.get(nodeName)
    const list = run.leftovers
      .map((p) => `${p.direction} ${p.protocol} ${p.fromPort ?? "all"}-${p.toPort ?? "all"} ${p.source}`)
      .join("; ")
    yield* events.publish({
      regarding: { kind: "Node", name: nodeName, uid: node?.uid ?? "" },
      type: "Normal",
      reason: "LeftoversClosed",
      action: "Revoke",
      note: `Closed what no FirewallRule asks for: ${list}`
    })
  })

  const behaviour: Behaviour<Failure, never> = Effect.fnUntraced(function* (nodeName: string) {
    const lasting = lastingOf(nodeName)
    const run: Run = {
      began: yield* Clock.currentTimeMillis,
      batch: { Ingress: anyNumber, Egress: anyNumber },
      attachments: new Map(),
      made: new Set(),
      readBack: new Set(),
      opened: new Set(),
      stuck: new Set(),
      undeletable: new Set(),
      nameTakenBy: undefined,
      leftovers: []
    }
    const look = Effect.map(Clock.currentTimeMillis, (now) => observe(nodeName, lasting, run, now))
    const perform = performFor(nodeName, lasting, run)
    const next = yield* reconcile<Plan.Observed, Plan.Step, Failure, never>({
      observe: look,
      decide: Plan.decide,
      perform: (step, o) => {
        if (openings.has(step._tag)) begin(nodeName, o)
        const urgency = o.wanted.length === 0 ? "CleanUp" : "Rule"
        const performing = Effect.provideService(perform(step, o), Urgency, urgency)
        // The reply of a mutation reaches the mirror even when the process is told to stop meanwhile.
        return mutations.has(step._tag) ? Effect.uninterruptible(performing) : performing
      },
      maxSteps: 512,
      onFailure: (failure) =>
        Effect.map(look, (o) => {
          // What passes at once, or was never sent, is nothing to say: statuses would only flap.
          const isPassing =
            failure._tag === "Ec2Error" &&
            ["Duplicate", "Gone", "NotLeader", "DryRun"].includes(failure.reason._tag)
          if (isPassing) return
          publish(nodeName, Plan.reportOf(o, { reason: reasonOf(failure), message: describe(failure) }))
        })
    })
    const o = yield* look
    yield* tellLeftovers(nodeName, run)
    for (const group of o.groups) lasting.settledGroups.add(group.groupId)
    if (next._tag === "Stop") {
      memory.delete(nodeName)
      publish(nodeName, Plan.reportOf(o, undefined))
      mirrors.forgetReport(nodeName)
    } else {
      publish(nodeName, Plan.reportOf(o, undefined))
    }
    return next
  })
  return behaviour
})
