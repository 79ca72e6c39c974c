/** The command as its user runs it: a process, its exit code, what it prints. */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Scenarios from "../../../src/cli/simulate/Scenarios.ts"
import type { Summary } from "../../../src/cli/simulate/Summary.ts"

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url))
const run = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" })
  return { status, stderr, stdout }
}
const simulate = (...args: ReadonlyArray<string>) => run("simulate", "--speed", "max", ...args)
const summaryOf = (...args: ReadonlyArray<string>): Summary =>
  JSON.parse(simulate("--json", ...args).stdout) as Summary

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kubestatic-"))
})
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe("kubestatic simulate", () => {
  it("serves 20 nodes with exactly two mutating calls each, and prints one JSON object", () => {
    const { status, stdout } = simulate("--nodes", "20", "--json")
    assert.strictEqual(status, 0)
    assert.strictEqual(stdout.trim().split("\n").length, 1)
    const summary = JSON.parse(stdout) as Summary
    assert.deepInclude(summary, { converged: true, nodes: 20, attached: 20, orphans: 0 })
    const mutations = Object.entries(summary.ec2Calls).filter(([action]) => !action.startsWith("Describe"))
    assert.deepStrictEqual(mutations, [
      ["AllocateAddress", 20],
      ["AssociateAddress", 20]
    ])
  })
  it("serves 500 nodes at once within 1.1 times the floor, and describes in batches of 200", () => {
    const summary = summaryOf("--nodes", "500")
    assert.strictEqual(summary.attached, 500)
    assert.strictEqual(summary.floorSeconds, 90)
    assert.isAtMost(summary.elapsedSeconds, 1.1 * summary.floorSeconds)
    assert.deepInclude(summary.ec2Calls, {
      DescribeAddresses: 1,
      DescribeSecurityGroups: 1,
      DescribeInstances: 3
    })
  })
  it("tells the same story for the same seed, byte for byte, and another for another", () => {
    const story = (seed: string) =>
      simulate("--scenario", "spot-storm", "--nodes", "6", "--seed", seed).stdout
    assert.strictEqual(story("7"), story("7"))
    assert.notStrictEqual(story("7"), story("8"))
  })
  for (const scenario of Scenarios.names) {
    it(`${scenario} ends with everything true and nothing left over`, () => {
      const { status, stdout } = simulate("--scenario", scenario, "--nodes", "9", "--json")
      const summary = JSON.parse(stdout) as Summary
      assert.deepInclude(summary, { converged: true, scenario, orphans: 0 })
      assert.strictEqual(summary.rulesOpen, summary.rulesWanted)
      assert.strictEqual(status, 0)
    })
  }
  it("ends with 1 and says what is missing when time runs out", () => {
    const { status, stdout } = simulate("--nodes", "200", "--max-time", "10s")
    assert.strictEqual(status, 1)
    assert.include(stdout, "Not everything asked for is true")
    assert.include(stdout, "has no address")
  })
  it("says that only time was missing when it runs out before all is quiet, or before the story is over", () => {
    for (const args of [
      ["--max-time", "2s"],
      ["--scenario", "scale-up", "--max-time", "15s"]
    ]) {
      const { status, stdout } = simulate(...args)
      assert.strictEqual(status, 1)
      assert.include(
        stdout,
        "The time ran out before it was quiet; what was asked for until then is true.\n  scenario"
      )
      assert.notInclude(stdout, "Not everything")
    }
  })
  it("takes the example of the README", () => {
    const example = fileURLToPath(new URL("../../../deploy/examples/edge.yaml", import.meta.url))
    assert.deepInclude(summaryOf("-f", example), {
      converged: true,
      attached: 2,
      rulesWanted: 1,
      rulesOpen: 1
    })
  })
  it("takes rules that wait for a node that is not there, as the contract has them", () => {
    const path = file(
      "pending.yaml",
      `apiVersion: kubestatic.quortex.io/v1alpha1
kind: FirewallRule
metadata: { name: waits }
spec: { nodeName: nowhere, description: d, direction: Egress, protocol: udp, fromPort: 53, ipRanges: [{ cidr: 10.1.2.3/8 }] }
`
    )
    assert.deepInclude(summaryOf("-f", path), { converged: true, rulesWanted: 0, nodes: 0 })
  })
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it(`ends with ${code} and says that it was cut short by ${signal}`, async () => {
      // In real time it is still at it when the signal comes, which is with the first line of its story.
      const child = spawn(process.execPath, [main, "simulate", "--speed", "1"])
      let said = ""
      child.stderr.on("data", (chunk) => {
        said += chunk
      })
      await once(child.stdout, "data")
      child.kill(signal)
      assert.deepStrictEqual(await once(child, "close"), [code, null])
      assert.strictEqual(said, "kubestatic: stopped before everything asked for was true\n")
    })
  }
  it("ends without a word when nobody reads on, and with one line when the disk is full", () => {
    const into = (rest: string) => {
      const line = `"$0" "$@" ${rest}; exit \${PIPESTATUS[0]}`
      return spawnSync("bash", ["-c", line, process.execPath, main, "simulate", "--speed", "max"], {
        encoding: "utf8"
      })
    }
    const { status, stderr } = into("| true")
    assert.deepStrictEqual({ status, stderr }, { status: 141, stderr: "" })
    const full = into("> /dev/full")
    assert.strictEqual(full.status, 1)
    assert.match(full.stderr, /^kubestatic: standard output: ENOSPC.*\n$/)
  })
  const wrong: ReadonlyArray<readonly [string, string, string]> = [
    [
      "range.yaml",
      `apiVersion: kubestatic.quortex.io/v1alpha1
kind: FirewallRule
metadata:
  name: r
spec:
  nodeName: n
  description: d
  direction: Ingress
  protocol: tcp
  fromPort: 80
  ipRanges:
    - cidr: "::/0"
`,
      "range.yaml:12: spec.ipRanges[0].cidr"
    ],
    ["kind.yaml", "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n", "kind.yaml:2: kind"],
    ["name.yaml", "apiVersion: v1\nkind: Node\nmetadata: { name: BAD }\n", "name.yaml:3: metadata.name"],
    [
      "annotation.yaml",
      "apiVersion: v1\nkind: Node\nmetadata:\n  name: n\n  annotations:\n    ttl: 0\n",
      "annotation.yaml:6: metadata.annotations.ttl: must be a string"
    ],
    [
      "label.yaml",
      "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  labels:\n    a/b: no blanks\n",
      "label.yaml:6: metadata.labels: Invalid value"
    ],
    [
      "phase.yaml",
      "apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nstatus:\n  phase: 3\n",
      "phase.yaml:5: status.phase: "
    ],
    ["constructor.yaml", "kind: constructor\nmetadata: { name: c }\n", "constructor.yaml:1: kind: takes"],
    ["broken.yaml", "a: [\n", "broken.yaml:2: not YAML"],
    [
      "alias.yaml",
      "apiVersion: v1\nkind: Node\nmetadata:\n  name: *nope\n",
      "alias.yaml:4: not YAML: Unresolved alias"
    ],
    [
      "itself.yaml",
      "apiVersion: v1\nkind: Node\nmetadata:\n  name: n\n  labels: &l\n    a: *l\n",
      "itself.yaml:6: not YAML: "
    ],
    [
      "aliases.yaml",
      `a: &a [x]\nb: [${"*a, ".repeat(200)}]\n`,
      "aliases.yaml:1: not YAML: Excessive alias count"
    ]
  ]
  it("refuses an object that is given twice, in one file or in two, and says where it was first", () => {
    const object = "apiVersion: kubestatic.quortex.io/v1alpha1\nkind: ExternalIP\nmetadata: { name: e }\n"
    const once = file("once.yaml", object)
    const twice = file("twice.yaml", `${object}---\n${object}`)
    for (const [files, at, first] of [
      [["-f", twice], `${twice}:7`, `${twice}:3`],
      [["-f", once, "-f", once], `${once}:3`, `${once}:3`],
      [["-f", once, "-f", twice], `${twice}:3`, `${once}:3`]
    ] as const) {
      assert.deepStrictEqual(simulate(...files), {
        status: 2,
        stderr: `kubestatic: ${at}: metadata.name: ExternalIP e is given twice, first at ${first}\n`,
        stdout: ""
      })
    }
  })
  it("refuses an object that the scenario makes itself, and takes others beside it", () => {
    const node = (name: string) => `apiVersion: v1\nkind: Node\nmetadata: { name: ${name} }\n`
    const taken = file("taken.yaml", node("node-0001"))
    assert.deepStrictEqual(simulate("--scenario", "first-start", "-f", taken), {
      status: 2,
      stderr: `kubestatic: ${taken}:3: metadata.name: Node node-0001 is made by the scenario first-start itself\n`,
      stdout: ""
    })
    assert.strictEqual(simulate("-f", taken).status, 0)
    const beside = file("beside.yaml", node("node-0004"))
    assert.strictEqual(simulate("--scenario", "first-start", "-f", beside).status, 0)
  })
  it("takes pods of one name in two namespaces", () => {
    const pod = (namespace: string) =>
      `apiVersion: v1\nkind: Pod\nmetadata: { name: p, namespace: ${namespace} }\nspec: {}\n`
    assert.strictEqual(simulate("-f", file("pods.yaml", `${pod("a")}---\n${pod("b")}`)).status, 0)
  })
  for (const [name, text, said] of wrong) {
    it(`refuses ${name} with file, line and field, and code 2`, () => {
      const { status, stderr, stdout } = simulate("-f", file(name, text))
      assert.strictEqual(status, 2)
      assert.include(stderr, said)
      assert.strictEqual(stderr.trim().split("\n").length, 1)
      assert.strictEqual(stdout, "")
    })
  }
})

describe("kubestatic", () => {
  for (const args of [
    ["--bogus"],
    ["--drift-interval=x"],
    ["-leader-elect=perhaps"],
    ["--cluster-id=unset"],
    ["nonsense"]
  ]) {
    it(`${args.join(" ")}: one line on standard error, and code 2`, () => {
      const { status, stderr, stdout } = run(...args)
      assert.strictEqual(status, 2)
      assert.strictEqual(stderr.trim().split("\n").length, 1)
      assert.strictEqual(stdout, "")
    })
  }
  it("prints the CRDs that are in crds/", () => {
    assert.include(run("crds").stdout, "name: externalips.kubestatic.quortex.io")
  })
  it("answers --help and version with 0", () => {
    for (const args of [["--help"], ["simulate", "--help"], ["version"], ["--version"]]) {
      assert.strictEqual(run(...args).status, 0)
    }
  })
})
