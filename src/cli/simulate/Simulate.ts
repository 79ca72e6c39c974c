/**
 * `kubestatic simulate`: the operator and both worlds in one process, told as a story.
 * Rule: it ends with 0 only if everything asked for is true in both worlds and nothing is left over; with --json
 * standard output is one object and nothing else.
 */
import { Clock, Duration, Effect, Fiber, Layer, Random, References } from "effect"
import * as Node from "../../domain/Node.ts"
import { nodes } from "../../kubernetes/Kubernetes.ts"
import * as Clocks from "../../simulation/Clocks.ts"
import * as Objects from "../../simulation/CloudObjects.ts"
import { floorSeconds } from "../../simulation/Floor.ts"
import * as Truth from "../../simulation/Truth.ts"
import { ExitCode } from "../ExitCode.ts"
import * as Logging from "../Logging.ts"
import type { SimulateOptions } from "../SimulateOptions.ts"
import * as Files from "./Files.ts"
import type { Scenario, Stage } from "./Scenario.ts"
import * as Scenarios from "./Scenarios.ts"
import * as Story from "./Story.ts"
import * as Summary from "./Summary.ts"
import * as Terminal from "./Terminal.ts"
import * as World from "./World.ts"

/** How often it is asked whether everything is true, in world time. */
const lookEvery = Duration.seconds(1)
/** True and quiet for so long is true for good: longer than one node's way through both worlds. */
const quiet = Duration.seconds(3)

const scenarioOf = (options: SimulateOptions): Scenario =>
  options.scenario !== undefined
    ? Scenarios.named(options.scenario)
    : options.files.length > 0
      ? Scenarios.files
      : Scenarios.named("first-start")

/** Puts a user's objects in; a Node gets an instance to run on, unless it says that it runs elsewhere. */
const place = (world: World.World, given: Files.Given) =>
  Effect.gen(function* () {
    if (given.resource !== nodes) return yield* world.cluster.create(given.resource, given.object)
    const node = Node.decode(given.object)
    const runsElsewhere = node.providerID !== undefined && !node.providerID.startsWith("aws:///")
    if (runsElsewhere) return yield* world.cluster.create(nodes, given.object)
    const launched = yield* world.ec2.hand.launch({})
    const spec = { ...((given.object.spec ?? {}) as object), providerID: launched.providerID }
    return yield* world.cluster.create(nodes, { ...given.object, spec, status: Objects.readyStatus })
  })

const countsOf = (world: World.World): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const [action, outcomes] of world.ec2.calls()) {
    counts[action] = [...outcomes.values()].reduce((a, b) => a + b, 0)
  }
  return Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const writesOf = (world: World.World): Readonly<Record<string, Readonly<Record<string, number>>>> => {
  const counts: Record<string, Record<string, number>> = {}
  for (const { kind, subresource, verb } of world.cluster.writes) {
    const ofKind = counts[kind] ?? {}
    const name = subresource === undefined ? verb : `${verb}/${subresource}`
    ofKind[name] = (ofKind[name] ?? 0) + 1
    counts[kind] = ofKind
  }
  return Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The whole run under the clock it is given. */
const tell = Effect.fnUntraced(function* (
  options: SimulateOptions,
  given: ReadonlyArray<Files.Given>,
  isLive: boolean
) {
  const scenario = scenarioOf(options)
  const world = yield* World.make(options)
  const began = yield* Clock.currentTimeMillis
  const judge = () =>
    Truth.judge({
      cluster: world.cluster,
      ec2: world.ec2,
      clusterId: world.clusterId,
      keepsAddresses:
        options.preventEIPDeallocation ||
        given.some(
          (g) =>
            (g.object.spec as { readonly preventEIPDeallocation?: unknown } | undefined)
              ?.preventEIPDeallocation === true
        )
    })
  /** When something was last changed in either world, by the operator. */
  const lastChange = () =>
    Math.max(
      began,
      world.cluster.writes.findLast((w) => w.kind !== "Event")?.at ?? began,
      world.ec2.journal().findLast((e) => e.by === "service" && !e.action.startsWith("Describe"))?.at ?? began
    )
  const settled = Effect.gen(function* () {
    for (;;) {
      yield* Effect.sleep(lookEvery)
      const now = yield* Clock.currentTimeMillis
      if (now - lastChange() >= Duration.toMillis(quiet) && Truth.isTrue(judge())) return
    }
  })
  const stage: Stage = { ...world, nodes: options.nodes, settled }
  yield* scenario.before(stage)
  yield* Effect.forEach(given, (g) => place(world, g), { discard: true })
  const operator = yield* Effect.forkScoped(world.operator.run)
  const story = Story.of(world)
  if (isLive) {
    const elapsed = (now: number) => (now - began) / 1000
    const title = `kubestatic simulate: ${scenario.name}, ${scenario.summary}`
    const floor = () => floorSeconds(countsOf(world), options.ec2RateShare)
    yield* Effect.forkScoped(Terminal.show(() => Story.picture({ world, title, story, elapsed, floor })))
  } else if (!options.json) {
    story.onLine((line) => process.stdout.write(`${line}\n`))
  }
  const end = Effect.andThen(scenario.during(stage), settled)
  const outcome = yield* Effect.raceFirst(
    Effect.timeoutOption(end, options.maxTime),
    // An operator that ends by itself has failed, whatever the worlds look like.
    Fiber.join(operator)
  )
  const truth = judge()
  const ec2Calls = countsOf(world)
  const summary: Summary.Summary = {
    converged: outcome._tag === "Some" && Truth.isTrue(truth),
    scenario: scenario.name,
    seed: options.seed,
    nodes: truth.nodes,
    attached: truth.attached,
    rulesWanted: truth.rulesWanted,
    rulesOpen: truth.rulesOpen,
    orphans: truth.orphans.length,
    elapsedSeconds: (lastChange() - began) / 1000,
    floorSeconds: floorSeconds(ec2Calls, options.ec2RateShare),
    ec2Calls,
    kubernetesWrites: writesOf(world)
  }
  return { summary, truth }
}, Effect.scoped)

const sayCutShort = Effect.sync(() => {
  process.stderr.write("kubestatic: stopped before everything asked for was true\n")
})

/** Runs one simulation and prints how it ended; answers the exit code. Fails with OptionsError on a wrong file. */
export const run = Effect.fn("kubestatic.simulate")(function* (options: SimulateOptions) {
  const read = yield* Files.read(options.files)
  const given = yield* Effect.fromResult(Files.refuseMade(read, scenarioOf(options), options.nodes))
  const isLive = process.stdout.isTTY === true && !options.json && options.speed !== "max"
  const virtual = options.speed === "max" ? Clocks.virtual() : undefined
  const clock = virtual?.clock ?? Clocks.scaled(options.speed === "max" ? 1 : options.speed)
  const quietly = Layer.succeed(References.MinimumLogLevel, "None")
  const logging =
    isLive || options.json
      ? quietly
      : Logging.layer({
          logFormat: "text",
          logLevel: options.logLevel === "info" ? "warn" : options.logLevel
        })
  const { summary, truth } = yield* tell(options, given, isLive).pipe(
    Effect.provideService(Clock.Clock, clock),
    Random.withSeed(String(options.seed)),
    Effect.provide(logging),
    Effect.ensuring(Effect.sync(() => virtual?.stop())),
    // Last of all: the terminal is the user's again.
    Effect.onInterrupt(() => sayCutShort)
  )
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : Summary.render(summary, truth))
  return summary.converged ? ExitCode.clean : ExitCode.failure
})
