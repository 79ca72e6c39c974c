/**
 * `npm run manifests`: writes deploy/manifests anew, and before that the chart's copies of deploy/monitoring, since a
 * chart holds all it needs. The helm is that of KUBESTATIC_HELM, of PATH, or the one that `npm run e2e:setup` fetched.
 * Rule: run after every change of the chart, the alerts or the dashboard; tests fail where it was forgotten.
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { cached, onPath } from "../../test/e2e/setup/Assets.ts"
import { copies, render } from "./Manifests.ts"

for (const { from, to } of copies) {
  copyFileSync(new URL(`../${from}`, import.meta.url), new URL(`../${to}`, import.meta.url))
}

const { env } = process
for (const { content, path } of render(env.KUBESTATIC_HELM ?? onPath("helm", env) ?? cached(env).helm)) {
  const target = new URL(`../manifests/${path}`, import.meta.url)
  mkdirSync(new URL(".", target), { recursive: true })
  writeFileSync(target, content)
}
