import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { copies } from "../../deploy/tools/Manifests.ts"

const read = (path: string): string => readFileSync(new URL(`../../deploy/${path}`, import.meta.url), "utf8")

describe("the chart", () => {
  for (const { from, to } of copies) {
    it(`holds ${from} as it is (else: npm run manifests)`, () => {
      assert.strictEqual(read(to), read(from))
    })
  }
})
