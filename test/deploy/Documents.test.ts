/** The pages of deploy/ and crds/: their links lead somewhere, and what they name is there. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Metric } from "effect"
import { parseAllDocuments } from "yaml"
import * as EventReason from "../../src/domain/EventReason.ts"
import * as Metrics from "../../src/domain/Metrics.ts"
import * as Reason from "../../src/domain/Reason.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))

const pages = [
  "README.md",
  "crds/README.md",
  ...globSync("deploy/{iam,monitoring}/*.md", { cwd: root }),
  "deploy/README.md",
  "deploy/examples/README.md",
  "deploy/UPGRADE.md"
]
const read = (path: string): string => readFileSync(join(root, path), "utf8")

/** The anchor of a heading, as the renderers of forges make it. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-")

const anchorsIn = (path: string): ReadonlyArray<string> =>
  [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading))

/** Folders of the repository that its other parts bring. */
const elsewhere = ["deploy/manifests"]

const manifests = globSync("deploy/manifests/*.yaml", { cwd: root }).flatMap((path) =>
  parseAllDocuments(read(path)).map(
    (document) =>
      document.toJS() as {
        readonly kind: string
        readonly metadata?: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
      }
  )
)
const rendered = manifests.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata?.name}`)
const podLabels = Object.entries(
  manifests.find(({ kind }) => kind === "Deployment")?.metadata?.labels ?? {}
).map(([name, value]) => `${name}=${value}`)

const metricNames = new Set(Object.values(Metrics).flatMap((m) => (Metric.isMetric(m) ? [m.id] : [])))

describe("the pages", () => {
  for (const page of pages) {
    it(`${page}: every link leads to a file, and to a heading in it`, () => {
      for (const [, target = ""] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        const [file = "", anchor] = target.split("#")
        const path = file === "" ? page : join(dirname(page), file)
        if (elsewhere.includes(path)) continue
        assert.isTrue(existsSync(join(root, path)), target)
        if (anchor !== undefined) assert.include(anchorsIn(path), anchor, target)
      }
    })
    it(`${page}: where it sends for a reason, there is the table of them`, () => {
      for (const [said, target = ""] of read(page).matchAll(
        /\breasons?\b[^.|[\]]*(?:\[[^\]]*)?\]\(([^)\s]+)\)/g
      )) {
        const [file = "", anchor = ""] = target.split("#")
        const section = read(join(dirname(page), file))
          .split(/^(?=#+ )/m)
          .find((text) => anchorOf(/^#+ (.+)/.exec(text)?.[1] ?? "") === anchor)
        for (const reason of Object.keys(Reason.explanations)) {
          assert.include(section, `| \`${reason}\` |`, said)
        }
      }
    })
    it(`${page}: every metric it names is exposed`, () => {
      for (const [name] of read(page).matchAll(/\bkubestatic_[a-z0-9_]+\b/g)) {
        assert.isTrue(metricNames.has(name), name)
      }
    })
    it(`${page}: what it tells kubectl to look at is rendered`, () => {
      for (const [, kind = "", name = ""] of read(page).matchAll(
        /\b(deploy(?:ment)?|clusterrole)[/=](kubestatic[\w-]*)/g
      )) {
        assert.include(rendered, `${kind.replace(/^deploy.*/, "deployment")}/${name}`)
      }
      for (const [, selector = ""] of read(page).matchAll(/ -l (\S+=\S+)/g)) {
        assert.include(podLabels, selector)
      }
    })
    it(`${page}: every reason it names is one`, () => {
      for (const [, reason = ""] of read(page).matchAll(
        /reason=(\w+)|`([A-Z][A-Za-z]+(?:Exceeded|NotOwned|Closed))`/g
      )) {
        if (reason === "") continue
        assert.isTrue(
          Reason.isFailureReason(reason) || Object.hasOwn(EventReason.explanations, reason),
          reason
        )
      }
    })
  }
})
