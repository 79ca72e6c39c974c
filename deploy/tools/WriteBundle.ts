/**
 * `npm run build`: the program as it ships, into dist/.
 * Rule: says how large it is, part by part.
 */
import { fileURLToPath } from "node:url"
import * as Bundle from "./Bundle.ts"

const folder = fileURLToPath(new URL("../../dist/", import.meta.url))
const written = [...(await Bundle.write(folder))].toSorted(([, a], [, b]) => b - a)
const kilobytes = (bytes: number): string => `${(bytes / 1_024).toFixed(0).padStart(6)} kB`

for (const [path, bytes] of written.filter(([, bytes]) => bytes >= 20_000)) {
  process.stdout.write(`${kilobytes(bytes)}  dist/${path}\n`)
}
process.stdout.write(
  `${kilobytes(written.reduce((sum, [, bytes]) => sum + bytes, 0))}  in ${written.length} files\n`
)
