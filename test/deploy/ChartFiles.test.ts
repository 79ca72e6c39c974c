import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parse } from "yaml"
import { copies } from "../../deploy/tools/Manifests.ts"
import { flags, parse as parseOptions } from "../../src/Options.ts"

const folder = fileURLToPath(new URL("../../deploy/", import.meta.url))
const read = (path: string): string => readFileSync(join(folder, path), "utf8")

/** Numbers, and words that the schema or the chart itself lists. */
const unquoted = [
  "replicas",
  "terminationGracePeriodSeconds",
  "imagePullPolicy",
  "port",
  "containerPort",
  "targetPort",
  "minAvailable",
  "maxUnavailable"
]

describe("the chart", () => {
  for (const { from, to } of copies) {
    it(`holds ${from} as it is (else: npm run manifests)`, () => {
      assert.strictEqual(read(to), read(from))
    })
  }
  it("refuses, of the flags that are fixed, the only spelling that there is", () => {
    const [, fixed = ""] =
      /define "kubestatic\.fixedFlags" -}}\n([^{]+)\{\{- end/.exec(read("chart/templates/_refusals.tpl")) ??
      []
    const names = [...Object.keys(parse(fixed) ?? {}), flags.leaderElect.name]
    assert.includeMembers(names, ["metrics-bind-address", "leader-election-namespace"])
    for (const name of names) {
      const found = Object.values(flags).filter((flag) => flag.name === name)
      assert.deepStrictEqual(
        found.map(({ aliases }) => aliases),
        [[]],
        name
      )
    }
  })
  for (const path of globSync("chart/templates/*.{yaml,tpl}", { cwd: folder })) {
    it(`${path}: quotes what is a text, or a release called 2024 would be a number`, () => {
      for (const [line, key = "", what = ""] of read(path).matchAll(
        /^ *(?:- )?([\w./]+): \{\{ ([^{}]+)\}\}$/gm
      )) {
        if (!unquoted.includes(key)) assert.match(what, /\| quote $/, line)
      }
    })
  }
  it("takes no number that helm writes with an exponent, which the program does not read", () => {
    const { properties } = JSON.parse(read("chart/values.schema.json")) as {
      readonly properties: {
        readonly ec2RateShare: { readonly anyOf: ReadonlyArray<{ readonly minimum?: number }> }
      }
    }
    const [{ minimum = 0 } = {}] = properties.ec2RateShare.anyOf
    // As Go's %v does below this.
    assert.isAtLeast(minimum, 1e-4)
    assert.isTrue(Result.isSuccess(parseOptions([`--ec2-rate-share=${minimum}`], {})))
    assert.isTrue(Result.isFailure(parseOptions(["--ec2-rate-share=1e-05"], {})))
  })
})
