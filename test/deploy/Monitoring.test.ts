/**
 * Dashboard, alerts and runbook against the metrics that a running operator really exposes.
 */
import { readFileSync } from "node:fs"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { parse as parseYaml } from "yaml"
import { driftKinds } from "../../src/domain/Metrics.ts"
import { actions, bucketOf } from "../../src/ec2/Buckets.ts"
import { fromCode, knownCodes } from "../../src/ec2/Ec2Error.ts"
import * as Exposition from "./Exposition.ts"
import * as Promql from "./Promql.ts"
import { scrape, scrapeOfUnready } from "./SimulatedMetrics.ts"

const textOf = (name: string): string =>
  readFileSync(new URL(`../../deploy/monitoring/${name}`, import.meta.url), "utf8")

interface Target {
  readonly expr: string
  readonly legendFormat: string
}
interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: ReadonlyArray<Target>
}
interface Dashboard {
  readonly panels: ReadonlyArray<Panel>
  readonly annotations: { readonly list: ReadonlyArray<{ readonly expr: string }> }
  readonly templating: {
    readonly list: ReadonlyArray<{ readonly name: string; readonly definition?: string }>
  }
}
interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}
interface Rules {
  readonly groups: ReadonlyArray<{ readonly name: string; readonly rules: ReadonlyArray<Alert> }>
}

const dashboard = JSON.parse(textOf("dashboard.json")) as Dashboard
const alerts = (parseYaml(textOf("alerts.yaml")) as Rules).groups.flatMap((g) => g.rules)
const panels = dashboard.panels.filter((p) => p.type !== "row")

/** Labels that Prometheus adds to what it scrapes from a pod. */
const targetLabels = ["namespace", "job", "pod"]
/** Functions under which a counter says something. */
const overTime = ["rate", "increase", "changes"]

const parsed = async (text: Effect.Effect<string>) =>
  Exposition.parse(
    await Effect.runPromise(Effect.provide(text, Layer.merge(TestClock.layer(), Logger.layer([]))))
  )

let exposed: Exposition.Exposition = { types: new Map(), series: [] }
beforeAll(async () => {
  exposed = await parsed(scrape)
})

const isMet = (
  { label, operator, value }: Promql.Matcher,
  labels: Readonly<Record<string, string>>
): boolean => {
  if (targetLabels.includes(label)) return true
  const found = labels[label]
  if (found === undefined) return false
  const isLike = operator.includes("~") ? new RegExp(`^(?:${value})$`).test(found) : found === value
  return operator.startsWith("!") !== isLike
}

/** As the SDK names them: of the credential chain, of STS and of EC2 itself. */
const noCredentials = [
  "CredentialsProviderError",
  "TokenProviderError",
  "ProviderError",
  "AccessDenied",
  "AccessDeniedException",
  "ExpiredToken",
  "ExpiredTokenException",
  "RequestExpired",
  "InvalidClientTokenId",
  "SignatureDoesNotMatch",
  "InvalidIdentityToken",
  "InvalidIdentityTokenException",
  "IDPRejectedClaimException",
  "AuthFailure"
]
const noAnswer = ["Unreachable", "InternalServerError", "HTTP 502", "IDPCommunicationErrorException"]

/** What is wrong with an expression; the words name the part. */
const troubles = (expr: string): ReadonlyArray<string> => {
  const { grouping, problems, selectors } = Promql.read(Promql.withoutVariables(expr))
  const found = [...problems]
  const labels = new Set(targetLabels)
  for (const { isRanged, matchers, metric, within } of selectors) {
    if (isRanged !== overTime.includes(within ?? "")) found.push(`${metric} needs a range, or must have none`)
    const series = exposed.series.filter((s) => s.metric === metric)
    if (series.length === 0) found.push(`${metric} is not exposed`)
    for (const s of series) for (const label of Object.keys(s.labels)) labels.add(label)
    for (const matcher of matchers) {
      const said = `${matcher.label}${matcher.operator}"${matcher.value}"`
      if (!series.some((s) => isMet(matcher, s.labels))) {
        found.push(`no ${metric} has ${said}`)
      }
    }
    const isCounter = Exposition.isCounter(exposed, metric)
    if (isCounter !== overTime.includes(within ?? "") && within !== "changes") {
      found.push(`${metric} is ${isCounter ? "a" : "no"} counter, and stands in ${within ?? "no function"}`)
    }
  }
  for (const label of grouping) if (!labels.has(label)) found.push(`nothing has the label ${label}`)
  return found
}

describe("an expression with a mistake is found out", () => {
  const mistakes: ReadonlyArray<readonly [string, string]> = [
    ["a metric that is not there", "max(kubestatic_address)"],
    ["a label that is not there", 'max(kubestatic_addresses{status="kept"})'],
    ["a value that is not there", 'max(kubestatic_addresses{state="Kept"})'],
    ["a grouping by a label that is not there", "max by (status) (kubestatic_addresses)"],
    ["a bracket that is not closed", "max(kubestatic_addresses"],
    ["a function that is not there", "maximum(kubestatic_addresses)"],
    ["a range that is none", "rate(kubestatic_reconcile_total[m])"],
    ["a rate over no range", "rate(kubestatic_reconcile_total)"],
    ["a range that nothing is done with", "max(kubestatic_addresses[5m])"],
    ["a counter as it is", "sum(kubestatic_reconcile_total)"],
    ["a rate of what goes up and down", "rate(kubestatic_addresses[5m])"],
    ["no metric at all", "1 + 1"]
  ]
  for (const [what, expr] of mistakes) it(what, () => assert.isNotEmpty(troubles(expr), expr))
})

describe("the dashboard", () => {
  for (const panel of panels) {
    it(`${panel.title}: every query finds what it asks for`, () => {
      assert.isNotEmpty(panel.targets ?? [])
      for (const { expr } of panel.targets ?? []) assert.deepStrictEqual(troubles(expr), [])
    })
    it(`${panel.title}: legends name labels that the query keeps`, () => {
      for (const { expr, legendFormat } of panel.targets ?? []) {
        const { grouping } = Promql.read(Promql.withoutVariables(expr))
        for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          assert.include([...grouping, ...(grouping.length === 0 ? targetLabels : [])], label)
        }
      }
    })
  }
  it("says of each panel what it shows, under a title of its own", () => {
    const titles = panels.map((p) => p.title)
    assert.strictEqual(new Set(titles).size, titles.length)
    for (const { description, title } of panels) assert.isAbove((description ?? "").length, 10, title)
  })
  it("has panels beside each other, never over each other, within the width", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { h, w, x, y } }) => {
      assert.isAtMost(x + w, 24)
      return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`)
    })
    assert.strictEqual(new Set(cells).size, cells.length)
    assert.strictEqual(new Set(dashboard.panels.map((p) => p.id)).size, dashboard.panels.length)
  })
  it("asks for its variables and annotations by metrics that are there", () => {
    for (const { definition } of dashboard.templating.list) {
      if (definition === undefined) continue
      const metric = /^label_values\((\w+)/.exec(definition)?.[1]
      assert.isTrue(
        exposed.series.some((s) => s.metric === metric),
        definition
      )
    }
    for (const { expr } of dashboard.annotations.list) assert.deepStrictEqual(troubles(expr), [])
  })
  it("shows every metric that is exposed", () => {
    const shown = panels.flatMap((p) =>
      (p.targets ?? []).flatMap(({ expr }) =>
        Promql.read(Promql.withoutVariables(expr)).selectors.map((s) =>
          s.metric.replace(/_(bucket|sum|count)$/, "")
        )
      )
    )
    assert.deepStrictEqual(
      [...exposed.types.keys()].filter((metric) => !shown.includes(metric)),
      []
    )
  })
  it("holds each EC2 action against the refill of its own bucket", () => {
    const panel = panels.find((p) => p.title.includes("against the refill"))
    const lines = (panel?.targets ?? []).map(({ expr }) => {
      const { selectors } = Promql.read(Promql.withoutVariables(expr))
      const operation = selectors[0]?.matchers.find((m) => m.label === "operation")?.value ?? ""
      return { isFor: new RegExp(`^(?:${operation})$`), refill: Number(expr.split("/").at(-1)) }
    })
    for (const action of actions) {
      const found = lines.filter(({ isFor }) => isFor.test(action)).map(({ refill }) => refill)
      assert.deepStrictEqual(found, [bucketOf(action).refill], action)
    }
  })
})

describe("the alerts", () => {
  it("about single events: nothing is counted under a kind that did not stand at 0 before", () => {
    const counted = exposed.series.filter((s) => s.metric === "kubestatic_drift_repaired_total")
    assert.sameMembers(
      counted.map((s) => s.labels.kind),
      [...driftKinds]
    )
  })
  for (const alert of alerts) {
    it(`${alert.alert}: its expression finds what it asks for`, () => {
      assert.deepStrictEqual(troubles(alert.expr), [])
    })
    it(`${alert.alert}: its texts name labels that the expression keeps`, () => {
      const { grouping, selectors } = Promql.read(alert.expr)
      const kept =
        grouping.length === 0 && !selectors.some((s) => s.within === "absent") ? targetLabels : grouping
      for (const text of Object.values(alert.annotations)) {
        for (const [, label = ""] of text.matchAll(/\$labels\.(\w+)/g)) assert.include(kept, label, text)
      }
    })
  }
  it("tell of every way to be without credentials that work, and of every way to get no answer", () => {
    const codesOf = (name: string) => {
      const [first] = Promql.read(alerts.find(({ alert }) => alert === name)?.expr ?? "").selectors
      const value = first?.matchers.find(({ label }) => label === "code")?.value
      return new RegExp(`^(?:${value})$`)
    }
    for (const code of noCredentials) assert.match(code, codesOf("KubestaticForbidden"))
    for (const code of noAnswer) assert.match(code, codesOf("KubestaticEC2Unreachable"))
    for (const code of knownCodes) {
      assert.strictEqual(
        codesOf("KubestaticForbidden").test(code),
        fromCode(code, "")._tag === "Refused",
        code
      )
    }
  })
  it("tell of a process that is without them from its start on, by what such a process exposes", async () => {
    const { series } = await parsed(scrapeOfUnready)
    const fires = ({ expr }: Alert) =>
      Promql.alternatives(expr).some((part) =>
        Promql.read(part).selectors.every(
          ({ isExcluding, matchers, metric }) =>
            series.some((s) => s.metric === metric && matchers.every((m) => isMet(m, s.labels))) !==
            isExcluding
        )
      )
    const firing = alerts.filter(fires).map(({ alert }) => alert)
    assert.includeMembers(firing, ["KubestaticSweepStale", "KubestaticNotReady", "KubestaticForbidden"])
  })
  it("tell of memory before the limit is reached, and not for what the largest cluster needs", () => {
    const fileOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")
    const numberIn = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1])
    const limit = numberIn(fileOf("deploy/manifests/deployment.yaml"), /limits:\s+memory: (\d+)Mi/) * 2 ** 20
    const most = numberIn(fileOf("README.md"), /\b(\d+) MB at most, while it starts/) * 1e6
    const { expr = "" } = alerts.find(({ alert }) => alert === "KubestaticMemory") ?? {}
    const [, product = ""] = /> ([\d.* ]+) and/.exec(expr) ?? []
    const threshold = product.split("*").reduce((before, factor) => before * Number(factor), 1)
    assert.isBelow(threshold, 0.9 * limit)
    assert.isAbove(threshold, 1.1 * most)
  })
  it("have a severity, a summary, a description and names of their own", () => {
    assert.strictEqual(new Set(alerts.map((a) => a.alert)).size, alerts.length)
    for (const { alert, annotations, for: duration, labels } of alerts) {
      assert.include(["critical", "warning", "info"], labels.severity, alert)
      assert.match(annotations.summary ?? "", /\.$/, alert)
      assert.match(annotations.description ?? "", /\.$/, alert)
      if (duration !== undefined) assert.match(duration, /^\d+[smhd]$/, alert)
    }
  })
  it("each have a section in the runbook that they point at, and the runbook has no other", () => {
    for (const { alert, annotations } of alerts) {
      assert.strictEqual(annotations.runbook, `deploy/monitoring/RUNBOOK.md#${alert.toLowerCase()}`)
    }
    const sections = [...textOf("RUNBOOK.md").matchAll(/^## (\w+)$/gm)].map(([, title]) => title)
    assert.deepStrictEqual(
      sections,
      alerts.map((a) => a.alert)
    )
  })
})
