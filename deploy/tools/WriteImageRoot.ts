/**
 * `npm run image:root -- FOLDER [ARCHITECTURE]`: what goes into the image, into a folder.
 * Rule: one line and exit code 2 when it is used wrongly.
 */
import { write } from "./ImageRoot.ts"

const [folder, architecture = process.arch === "x64" ? "amd64" : process.arch] = process.argv.slice(2)
if (folder === undefined) {
  process.stderr.write("image:root takes a folder, and amd64 or arm64\n")
  process.exit(2)
}
write({ folder, architecture })
