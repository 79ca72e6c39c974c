import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Result } from "effect"
import { parse as parseYaml } from "yaml"
import * as Helm from "../../../deploy/tools/Helm.ts"
import { values } from "../../../deploy/tools/Manifests.ts"
import { parse as parseOptions } from "../../../src/Options.ts"
import { root } from "../world/Bundle.ts"
import { suite } from "../world/Suite.ts"
import { only, parse } from "./Rendered.ts"
import { emptied, ofGo, others, refused } from "./Values.ts"

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** As Helm merges values files: maps by key, all else replaced. */
const merge = (a: Fields, b: Fields): Fields => ({
  ...a,
  ...Object.fromEntries(
    Object.entries(b).map(([key, value]) => {
      const before = a[key]
      return [key, isFields(before) && isFields(value) ? merge(before, value) : value]
    })
  )
})

/** Dotted, down to what is no map or an empty one. */
const paths = (value: unknown, prefix = ""): ReadonlyArray<string> =>
  isFields(value) && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, below]) => paths(below, prefix === "" ? key : `${prefix}.${key}`))
    : [prefix]

/** Maps of Kubernetes' own making, passed on as they are: one key that is tried stands for all. */
const passedOn = [
  "manager.resources",
  "manager.securityContext",
  "podSecurityContext",
  "strategy",
  "livenessProbe",
  "readinessProbe",
  "affinity",
  "grafanaDashboard.labels"
]

suite("the chart", { asksEc2: false }, (scenario) => {
  scenario("passes helm lint, strictly", ({ assets }) =>
    Effect.sync(() => {
      const printed = Helm.run(assets.helm, ["lint", "--strict", Helm.chart])
      assert.strictEqual(printed.code, 0, printed.stdout + printed.stderr)
    })
  )

  scenario("renders what the API server accepts, by default and with every other value", (world) =>
    Effect.gen(function* () {
      const { assets, kubectl } = world
      yield* kubectl.ok(["apply", "-f", join(root, "test/e2e/deploy/foreign/crds.yaml")])
      yield* kubectl.ok(["wait", "--for=condition=Established", "crd", "--all"])
      yield* kubectl.ok(["create", "namespace", "monitoring"])
      const all = others.reduce((before: Fields, [values]) => merge(before, values), {})
      const together = merge(all, {
        // What excludes each other: one of both.
        cloudProvider: "aws",
        aws: { existingSecret: "", accessKeyID: "", secretAccessKey: "" },
        kubeRBACProxy: { enabled: true },
        replicaCount: 2,
        strategy: { type: "RollingUpdate" },
        manager: { extraArgs: ["--dry-run=false"] }
      })
      const texts = [{}, ofGo, together, emptied].map((values) => Helm.template(assets.helm, { values }))
      for (const [values, ...words] of others) {
        const text = Helm.template(assets.helm, { values })
        for (const word of words) assert.include(text, word, JSON.stringify(values))
        texts.push(text)
      }
      yield* kubectl.ok(
        ["apply", "--dry-run=server", "--validate=strict", "-f", "-"],
        // Once each, however many values lead to it.
        [...new Set(texts.flatMap((text) => text.split(/^---\n/m)))].join("---\n")
      )
    })
  )

  scenario(
    "takes any name that helm takes: no object is named in a way that the API server refuses",
    (world) =>
      Effect.gen(function* () {
        const { assets, kubectl } = world
        yield* kubectl.ok(["apply", "-f", join(root, "test/e2e/deploy/foreign/crds.yaml")])
        yield* kubectl.ok(["wait", "--for=condition=Established", "crd", "--all"])
        // For YAML a number.
        const namespace = "12345"
        yield* kubectl.ok(["create", "namespace", namespace])
        const longest = "r".repeat(53)
        const named: ReadonlyArray<readonly [release: string, names: Fields]> = [
          [longest, {}],
          [`${"r".repeat(52)}s`, {}],
          ["with.dots", {}],
          ["kubestatic-edge", {}],
          ["edge", { nameOverride: "n".repeat(80) }],
          ["edge", { fullnameOverride: "f".repeat(63) }],
          // Its 38th character is a hyphen.
          ["edge", { fullnameOverride: `${"f".repeat(37)}-${"g".repeat(20)}` }],
          // What YAML takes for something else than a text.
          ["2024", {}],
          ["1.5", { nameOverride: "2024" }],
          ...["2024", "1e3", "0x1f", "2024-01-02", "true", "null", "no"].map(
            (word) => ["edge", { fullnameOverride: word, nameOverride: word }] as const
          ),
          ["1", { fullnameOverride: `1${"f".repeat(62)}` }]
        ]
        const everything = {
          ...values,
          kubeRBACProxy: { enabled: true },
          metrics: { certSecret: "2024" },
          aws: { existingSecret: "12345" },
          priorityClassName: "1000"
        }
        const services = new Set<string>()
        for (const [release, names] of named) {
          const printed = Helm.run(assets.helm, ["template", release, Helm.chart, "-n", namespace], {
            ...everything,
            ...names
          })
          assert.strictEqual(printed.code, 0, printed.stderr)
          yield* kubectl.ok(["apply", "--dry-run=server", "--validate=strict", "-f", "-"], printed.stdout)
          services.add(only(parse(printed.stdout), "Service").metadata.name)
        }
        assert.strictEqual(services.size, named.length)
        // As API servers without RelaxedServiceNameValidation want it.
        for (const service of services) assert.match(service, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
        assert.include([...services], "kubestatic-edge-metrics-service")
      })
  )

  scenario("has no value that is not tried", () =>
    Effect.sync(() => {
      const defaults: unknown = parseYaml(readFileSync(join(Helm.chart, "values.yaml"), "utf8"))
      const tried = new Set([...others.flatMap(([values]) => paths(values)), ...paths(ofGo)])
      const isTried = (path: string) =>
        tried.has(path) || [...tried].some((other) => other.startsWith(`${path}.`))
      assert.deepStrictEqual(
        paths(defaults).filter((path) => {
          const whole = passedOn.find((map) => path.startsWith(`${map}.`))
          return !isTried(whole ?? path)
        }),
        []
      )
    })
  )

  scenario("is for Kubernetes 1.30 and newer, those of EKS too", ({ assets }) =>
    Effect.sync(() => {
      const on = (version: string) =>
        Helm.run(assets.helm, ["template", "kubestatic", Helm.chart, "--kube-version", version])
      assert.match(on("1.29.9").stderr, /requires kubeVersion: >=1\.30\.0-0/)
      for (const version of ["1.30.0", "1.30.4-eks-a737599", "1.36.2"]) {
        assert.strictEqual(on(version).code, 0, version)
      }
    })
  )

  scenario("refuses what cannot work, and says why", ({ assets }) =>
    Effect.sync(() => {
      for (const [values, reason] of refused) {
        const printed = Helm.run(assets.helm, ["template", "kubestatic", Helm.chart], values)
        assert.notStrictEqual(printed.code, 0, JSON.stringify(values))
        assert.match(printed.stderr, reason, JSON.stringify(values))
      }
    })
  )

  scenario(
    "lets two pods run exactly where the program, with those flags, waits for the lease",
    ({ assets }) =>
      Effect.sync(() => {
        const flag = ["--leader-elect", "-leader-elect"]
        const words = ["0", "f", "F", "false", "FALSE", "False", "1", "t", "true", "True"]
        const further: ReadonlyArray<ReadonlyArray<string>> = [
          ...words.map((word, i) => [flag[i % 2] ?? "", word]),
          ...words.map((word, i) => [`${flag[i % 2]}=${word}`]),
          ["--leader-elect="],
          ["-leader-elect="],
          ["--leader-elect"],
          // The last one wins.
          ["--leader-elect=false", "--leader-elect"],
          ["--leader-elect", "false", "-leader-elect=true"],
          ["--leader-elect=true", "--leader-elect", "0"],
          ["--leader-elect", "--dry-run", "false"],
          ["--zap-devel", "--leader-elect", "f", "--log-level", "debug"]
        ]
        for (const extraArgs of further) {
          const said = JSON.stringify(extraArgs)
          const { leaderElect } = Result.getOrThrow(parseOptions(["--leader-elect", ...extraArgs], {}))
          const printed = Helm.run(assets.helm, ["template", "kubestatic", Helm.chart], {
            replicaCount: 2,
            manager: { extraArgs }
          })
          assert.strictEqual(printed.code === 0, leaderElect, said)
          if (!leaderElect) assert.match(printed.stderr, /is for one pod at a time/, said)
        }
      })
  )
})
