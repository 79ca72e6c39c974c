/**
 * `npm run crds`: writes crds/ anew.
 * Rule: run after every change of a Schema in src/domain; a test fails where it was forgotten.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { files } from "./Crds.ts"

const folder = new URL("../../crds/", import.meta.url)
mkdirSync(folder, { recursive: true })
for (const { content, name } of files) writeFileSync(new URL(name, folder), content)
