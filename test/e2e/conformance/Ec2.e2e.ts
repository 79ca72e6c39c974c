/** The simulated EC2 answers as the emulator does, where that one is known to be right. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Ec2 } from "../../../src/ec2/Ec2.ts"
import * as Live from "../../../src/ec2/Live.ts"
import * as Simulation from "../../../src/simulation/Ec2.ts"
import { Ec2World } from "../../../src/simulation/Ec2World.ts"
import * as Emulator from "../emulator/Emulator.ts"
import { locate } from "../setup/Assets.ts"
import * as Cloud from "../world/Cloud.ts"
import { check } from "./Conformance.ts"
import { type Account, perform } from "./Ec2Answers.ts"
import { differences } from "./Ec2Differences.ts"
import { sequence } from "./Ec2Draws.ts"

const seed = Number(process.env.KUBESTATIC_CONFORMANCE_SEED ?? "1")
const sequences = Number(process.env.KUBESTATIC_CONFORMANCE_SEQUENCES ?? "24")

/** Low, so that short sequences reach them. */
const quotas = { addresses: 4, rulesPerGroup: 4, groupsPerInterface: 3 }
/** Two with a public address and one without. */
const launches = [{ isPublic: true }, { isPublic: true }, { isPublic: false }]

const simulated = Effect.gen(function* () {
  const context = yield* Layer.build(
    Layer.fresh(
      Simulation.layer({
        conditions: {
          quotas,
          denied: new Set(),
          // Where EC2 may answer one way or the other, the emulator's.
          newAutoAssignedAddress: 1,
          repeatedDisassociation: "NotFound"
        }
      })
    )
  )
  const { hand } = Context.get(context, Ec2World)
  const instances = yield* Effect.forEach(launches, ({ isPublic }) =>
    Effect.map(hand.launch({ interfaces: [{ isPublic }] }), ({ instanceId, interfaceIds }) => ({
      instanceId,
      networkInterfaceId: interfaceIds[0] ?? ""
    }))
  )
  const account: Account = {
    service: Context.get(context, Ec2),
    instances,
    terminate: (instanceId) => Effect.ignore(hand.terminate(instanceId))
  }
  return account
})

const emulated = Effect.fnUntraced(function* (url: string, service: Ec2["Service"]) {
  const cloud = Cloud.make(url)
  yield* Effect.promise(() => fetch(`${url}/moto-api/reset`, { method: "POST" }))
  const instances = yield* Effect.orDie(Effect.forEach(launches, (o) => cloud.launch(o)))
  const account: Account = {
    service,
    instances,
    terminate: (instanceId) => Effect.ignore(cloud.terminate(instanceId))
  }
  return account
})

/** What the SDK's standard chain reads; of this worker alone. */
const pointTo = (url: string) =>
  Effect.sync(() => {
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_EC2: url,
      AWS_REGION: Cloud.region,
      AWS_ACCESS_KEY_ID: "operator",
      AWS_SECRET_ACCESS_KEY: "operator"
    })
  })

const startEmulator = Effect.gen(function* () {
  const located = locate(process.env)
  if (located._tag === "Incomplete") return yield* Effect.die(new Error(located.missing.join(", ")))
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "kubestatic-e2e-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const emulator = yield* Emulator.start({ python: located.assets.python, folder })
  yield* emulator.setQuotas({
    addresses: quotas.addresses,
    rules_per_group: quotas.rulesPerGroup,
    groups_per_interface: quotas.groupsPerInterface
  })
  return emulator
})

describe("the simulated EC2", () => {
  it.live("answers generated sequences of calls as the emulator does", () =>
    Effect.gen(function* () {
      const { url } = yield* startEmulator
      yield* pointTo(url)
      const service = Context.get(yield* Layer.build(Live.layer), Ec2)
      const figures = yield* check({
        seed,
        sequences,
        draw: sequence,
        pretended: (calls) => Effect.scoped(Effect.flatMap(simulated, (account) => perform(account, calls))),
        real: (calls) => Effect.flatMap(emulated(url, service), (account) => perform(account, calls)),
        differences,
        apart: []
      })
      assert.isAbove(figures.requests, figures.sequences)
      process.stdout.write(
        `\nEC2: ${figures.sequences} sequences of up to ${figures.longest} calls, ${figures.requests} calls, the same from both (seed ${seed}); ${figures.listed} differences listed\n`
      )
    }).pipe(Effect.scoped)
  )
})
