/**
 * `npm run crds`: writes crds/ anew, the reference with it, and the chart's crds/.
 * Rule: run after every change of a Schema in src/domain; a test fails where it was forgotten.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { files } from "./Crds.ts"
import { render } from "./reference/Reference.ts"

for (const path of ["../../crds/", "../../deploy/chart/crds/"]) {
  const folder = new URL(path, import.meta.url)
  mkdirSync(folder, { recursive: true })
  for (const { content, name } of files) writeFileSync(new URL(name, folder), content)
}
writeFileSync(new URL("../../crds/README.md", import.meta.url), render())
