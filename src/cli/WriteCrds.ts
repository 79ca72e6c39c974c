/**
 * `npm run crds`: writes crds/ anew, the reference with it.
 * Rule: run after every change of a Schema in src/domain; a test fails where it was forgotten.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { files } from "./Crds.ts"
import { render } from "./reference/Reference.ts"

const folder = new URL("../../crds/", import.meta.url)
mkdirSync(folder, { recursive: true })
for (const { content, name } of files) writeFileSync(new URL(name, folder), content)
writeFileSync(new URL("README.md", folder), render())
