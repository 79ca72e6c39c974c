/**
 * The flags of the simulation, its own and those it shares with the operator.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Result } from "effect"
import type { Environment } from "../../src/cli/Flag.ts"
import { parseSimulate, type SimulateOptions } from "../../src/cli/SimulateOptions.ts"

const scenarios = ["calm", "storm"]
const options = (argv: ReadonlyArray<string>, env: Environment = {}): SimulateOptions =>
  Result.getOrThrow(parseSimulate(argv, env, scenarios))
const refusal = (argv: ReadonlyArray<string>, env: Environment = {}): string =>
  Result.match(parseSimulate(argv, env, scenarios), {
    onSuccess: () => "accepted",
    onFailure: (e) => e.message
  })

describe("SimulateOptions", () => {
  it("has a default for everything", () => {
    const { nodes, scenario, files, seed, speed, json, maxTime, clusterId, logLevel, warnings } = options([])
    assert.deepStrictEqual(
      { nodes, scenario, files, seed, speed, json, maxTime, clusterId, logLevel, warnings },
      {
        nodes: 3,
        scenario: undefined,
        files: [],
        seed: 1,
        speed: 10,
        json: false,
        maxTime: Duration.hours(1),
        clusterId: undefined,
        logLevel: "info",
        warnings: []
      }
    )
  })

  it("reads its own flags", () => {
    const read = options(
      "--nodes 40 -scenario=storm -f a.yaml -f=b.yaml --filename c.yaml --seed=7 --speed max --json --max-time=10m".split(
        " "
      )
    )
    assert.strictEqual(read.nodes, 40)
    assert.strictEqual(read.scenario, "storm")
    assert.deepStrictEqual(read.files, ["a.yaml", "b.yaml", "c.yaml"])
    assert.strictEqual(read.seed, 7)
    assert.strictEqual(read.speed, "max")
    assert.isTrue(read.json)
    assert.deepStrictEqual(read.maxTime, Duration.minutes(10))
  })

  it("reads the flags it shares with the operator, and their variables", () => {
    const read = options(["--drift-interval=0", "--interface-selection=primary", "--cluster-id=sim"], {
      KUBESTATIC_LOG_LEVEL: "debug",
      KUBESTATIC_NODES: "many",
      KUBESTATIC_JSON: "perhaps"
    })
    assert.strictEqual(read.interfaceSelection, "primary")
    assert.strictEqual(read.clusterId, "sim")
    assert.strictEqual(read.logLevel, "debug")
    assert.strictEqual(read.nodes, 3)
    assert.deepStrictEqual(read.driftInterval, Duration.seconds(1))
    assert.deepStrictEqual(read.warnings, ["--drift-interval is raised to 1s, the shortest"])
  })

  it("speed is a number above 0, or max", () => {
    assert.strictEqual(options(["--speed=1"]).speed, 1)
    assert.strictEqual(options(["--speed=0.5"]).speed, 0.5)
    for (const text of ["0", "-1", "fast", "Infinity", "NaN"]) {
      assert.strictEqual(
        refusal([`--speed=${text}`]),
        `--speed takes a number above 0, or max, not "${text}"`
      )
    }
  })

  it("says which scenarios there are", () => {
    assert.strictEqual(refusal(["--scenario=flood"]), '--scenario takes calm or storm, not "flood"')
  })

  it("refuses numbers out of range, and flags of the operator that mean nothing here", () => {
    assert.include(refusal(["--nodes=0"]), "--nodes takes a number of nodes from 1 to 10000")
    assert.include(refusal(["--seed=-1"]), "--seed takes a whole number")
    assert.include(refusal(["--leader-elect"]), 'unknown flag "--leader-elect"')
    assert.include(refusal(["--zap-devel"]), "unknown flag")
    assert.include(refusal(["storm"]), "kubestatic simulate takes flags only")
  })
})
