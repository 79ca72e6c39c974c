/**
 * One workload under one choice of faults, from an empty world to rest.
 * Rule: a function of its arguments: the same choice gives the same run, call by call.
 */
import type { Life } from "../../src/simulation/faults/Host.ts"
import { type Call, type Outcome, outcomesOf } from "../../src/simulation/faults/Outcome.ts"
import { judge } from "../../src/simulation/Truth.ts"
import { allowanceOf } from "./Allowance.ts"
import * as End from "./End.ts"
import * as Invariants from "./Invariants.ts"
import * as Lease from "./LeaseDeadline.ts"
import * as Story from "./Story.ts"
import type { Workload } from "./Workload.ts"
import * as World from "./World.ts"

/** By the number of the call. */
export type Choice = ReadonlyMap<number, Outcome>

/** One call, or one event on its way, as it was about to be made. */
export interface Point extends Call {
  /** From 0, over both worlds. */
  readonly n: number
  /** Of the step of the workload that was done last; -1 before the first. */
  readonly step: number
}

export interface Run {
  readonly points: ReadonlyArray<Point>
  /** What was met, with the call it was met at: the choice, and what the workload brings along. */
  readonly met: ReadonlyArray<readonly [Point, Outcome]>
  readonly violations: ReadonlyArray<Invariants.Violation>
  /** Milliseconds of world time. */
  readonly took: number
  /** What was done in both worlds, in order; empty unless asked for. */
  readonly story: ReadonlyArray<string>
  /** How both worlds are at the end, without what chance decides. */
  readonly end: string
  readonly attachments: number
  /** How many were under way at each delivery, where deliveries are chosen. */
  readonly branching: ReadonlyArray<number>
  /** What was met may make it end otherwise than without. */
  readonly endsOtherwise: boolean
}

/** "any 17": of what is legal for the call that is met there, the 17th, counted round. */
export const drawn = (n: number): Outcome => `any ${n}`

const resolved = (call: Call, outcome: Outcome | undefined): Outcome | undefined => {
  if (outcome === undefined || !outcome.startsWith("any ")) return outcome
  const legal = outcomesOf(call)
  return legal[Number(outcome.slice("any ".length)) % legal.length]
}

/** "deliver 3": the third of those under way, from 0. */
export const delivery = (n: number): Outcome => `deliver ${n}`
const nth = (outcome: Outcome | undefined): number =>
  outcome === undefined ? 0 : Number(outcome.slice("deliver ".length))

/** The longest back-off, a drift interval, the visibility window, and the work itself. */
const patience = 15 * 60_000
const drift = 5 * 60_000
/** Looked at more and more rarely: looking costs more than time that passes. */
const looks = [300, 700, 1_000, 2_000, 4_000, 7_000, 15_000, 30_000]

export interface Options {
  readonly breakage?: World.Breakage
  /** Keep what happened, in words. */
  readonly tell?: boolean
  /** Nothing beside the workload's own settings brings the operator to look again. */
  readonly skipRest?: boolean
}

export const run = (workload: Workload, choice: Choice, o: Options = {}): Run => {
  const points: Array<Point> = []
  const met: Array<readonly [Point, Outcome]> = []
  const writes: Array<string> = []
  const counted = new Map<string, number>()
  let at = -1
  let endsOtherwise = false

  const givenFor = (name: string): Outcome | undefined => {
    if (workload.given === undefined) return undefined
    const n = (counted.get(name) ?? 0) + 1
    counted.set(name, n)
    return workload.given.find(([call, nth]) => call === name && nth === n)?.[2]
  }
  /** Shown nodes as they were. */
  const misinformed = new Set<Life>()
  const fate = (life: Life, { name, sort }: Call, request: unknown): Outcome | undefined => {
    const n = points.length
    const given = givenFor(name)
    const point: Point = { n, sort, name, step: at }
    const outcome = workload.isMail === true ? given : (resolved(point, choice.get(n)) ?? given)
    points.push(point)
    // An event that people read changes nothing, and may come late; a lease is renewed for as long as it is held.
    const isWrite = (sort === "write" || sort === "EC2 write") && !/ (events|leases)$/.test(name)
    if (isWrite) writes.push(name)
    story.call(life, point, request, outcome)
    deadlines.sending(life, point, request, world.machine.now())
    if (outcome !== undefined) {
      met.push([point, outcome])
      endsOtherwise ||= allowanceOf(name, outcome).endsOtherwise
      watch.forgive(name, outcome)
      if (name === "list nodes" && outcome.startsWith("behind")) misinformed.add(life)
      // It takes a node for there that has been gone for seconds, and makes it an address: kept for the next one.
      endsOtherwise ||= outcome === "late" && name.endsWith(" nodes") && misinformed.has(life)
      // A kept address that seems to be in use is not taken for the next node, and stays.
      endsOtherwise ||= workload.keepsAddresses === true && watch.isMisled()
    }
    return outcome
  }

  const branching: Array<number> = []
  /** Only from the first step on: how it starts is looked at elsewhere. */
  const choose = (count: number): number => {
    if (at < 0) return 0
    const chosen = nth(choice.get(branching.length))
    branching.push(count)
    return chosen < count ? chosen : 0
  }

  const deadlines =
    workload.operators === undefined ? Lease.none : Lease.make((what) => watch.report("12 lease", what))
  const world = World.make({
    fate,
    arrived: () => watch.look(),
    tell: (what) => story.tell(what),
    ...(o.breakage === undefined ? {} : { breakage: o.breakage }),
    ...(workload.isMail === true ? { choose } : {}),
    ...(workload.operators === undefined ? {} : { operators: workload.operators }),
    ...(workload.settings === undefined ? {} : { settings: workload.settings })
  })
  const story = o.tell === true ? Story.make(world) : Story.silent
  const watch = Invariants.watch(world)
  deadlines.watch(world)
  const began = world.machine.now()

  const truth = () =>
    judge({
      cluster: world.cluster,
      ec2: world.ec2,
      clusterId: World.clusterId,
      keepsAddresses: workload.keepsAddresses === true
    })
  const isTrue = (): boolean => {
    const { orphans, problems } = truth()
    return orphans.length === 0 && problems.length === 0
  }
  const settle = (): void => {
    let waited = 0
    for (let n = 0; waited < patience; n++) {
      const next = looks[Math.min(n, looks.length - 1)] ?? 0
      world.pass(next)
      waited += next
      if (isTrue()) break
    }
    // What comes after the last thing that shows: a status, an event, a read that confirms.
    world.pass(1_000)
    watch.settled()
  }

  const pending: Array<() => void> = []
  function deliverNext(): void {
    const act = pending.shift()
    if (act === undefined) return
    world.machine.post(() => {
      act()
      deliverNext()
    })
  }

  // Somebody else's address, which nobody may touch.
  world.act(world.ec2.hand.allocate({ tags: { owner: "somebody else" } }))
  for (const step of workload.before ?? []) {
    story.tell(`-- ${step.what}`)
    step.act(world)
  }
  world.start()
  world.pass(workload.operators === undefined ? 500 : 3_000)
  for (const step of workload.steps) {
    const act = (): void => {
      at += 1
      story.tell(`-- ${step.what}`)
      step.act(world)
      watch.look()
    }
    if (workload.isMail === true) {
      // What people do is under way like everything else, one after the other.
      if (at < 0) act()
      else pending.push(act)
      continue
    }
    act()
    if (step.pause === "settled") settle()
    else world.pass(step.pause)
  }
  deliverNext()
  if (workload.isMail === true) world.pass(20_000)
  if (!isTrue()) settle()
  const { orphans, problems } = truth()
  for (const what of orphans) watch.report("1 addresses and groups", `left over: ${what}`)
  for (const what of problems) watch.report("liveness", what)
  if (world.ended() !== undefined) watch.report("liveness", `the process ended: ${world.ended()}`)
  world.pass(Math.min(10_000, workload.rest ?? 10_000))
  // What strikes meanwhile is waited out as well.
  while (watch.restlessFor() > 0) world.pass(watch.restlessFor())
  watch.settled()
  watch.look()
  if (o.skipRest !== true) rest(workload.rest ?? 2 * drift + 30_000)

  /** Two sweeps and more, in which nothing may be written. */
  function rest(millis: number): void {
    const before = writes.length
    world.pass(millis)
    watch.look()
    if (writes.length > before) watch.report("9 rest", `at rest it wrote: ${writes.slice(before).join(", ")}`)
  }
  strangers(world, watch)
  return {
    points,
    met,
    violations: watch.violations,
    took: world.machine.now() - began,
    story: story.lines,
    end: End.of(world),
    attachments: watch.attachments(),
    branching,
    endsOtherwise
  }
}

/** What carries no tags of ours can never be found again; what is somebody else's must still be there. */
const strangers = ({ ec2 }: World.World, watch: Invariants.Watch): void => {
  for (const { allocationId, tags } of ec2.addresses()) {
    if (Object.keys(tags).length === 0)
      watch.report("1 addresses and groups", `left over: ${allocationId}, which is nobody's`)
  }
  for (const { groupId, name, tags } of ec2.groups()) {
    const isOfTheWorld = name.startsWith("foreign-") || name === "default"
    if (!isOfTheWorld && Object.keys(tags).length === 0)
      watch.report("1 addresses and groups", `left over: group ${groupId}, which is nobody's`)
  }
  if (ec2.addresses().filter((a) => a.tags.owner === "somebody else").length !== 1)
    watch.report("2 ownership", "somebody else's address is gone")
}
