import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { parse } from "yaml"
import { copies } from "../../deploy/tools/Manifests.ts"
import { flags } from "../../src/Options.ts"

const read = (path: string): string => readFileSync(new URL(`../../deploy/${path}`, import.meta.url), "utf8")

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
})
