/**
 * The files of the image, laid out in a folder: what the Dockerfile copies into its last stage.
 * Rule: the same steps in a container and outside of one; every byte comes from the lock file or from this repository.
 *
 *   root/nodejs/bin/node                 the Node of package-lock.json: the one the tests ran with
 *   root/kubestatic.mjs                  the bundle's entry, executable
 *   root/kubestatic/                     its parts
 *   root/manager -> kubestatic.mjs       the command that manifests of the Go implementation name
 *   root/usr/share/doc/kubestatic/       licences, and what is in here (CycloneDX)
 *   own/kubestatic-cache/                empty: V8's code cache, filled by the user of the image, who owns it
 */
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Bom, ofImage } from "./BillOfMaterials.ts"

/** As Docker names them (TARGETARCH), and as npm does. */
const cpus: Readonly<Record<string, string>> = { amd64: "x64", arm64: "arm64" }

export interface Options {
  readonly folder: string
  readonly architecture: string
  /** Where Node will be when the image runs. */
  readonly interpreter?: string
}

const repository = fileURLToPath(new URL("../../", import.meta.url))
export const cache = "own/kubestatic-cache"
const documents = "usr/share/doc/kubestatic"

const npm = (cwd: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("npm", [...args], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 64 * 1024 * 1024
  })

/** `npm run build` was run before. */
export const write = ({ architecture, folder, interpreter = "/nodejs/bin/node" }: Options): void => {
  const cpu = cpus[architecture]
  if (cpu === undefined) {
    throw new Error(`the image is made for ${Object.keys(cpus).join(" and ")}, not for ${architecture}`)
  }
  const root = join(folder, "root")
  for (const below of ["nodejs/bin", documents]) mkdirSync(join(root, below), { recursive: true })
  mkdirSync(join(folder, cache), { recursive: true })
  const work = mkdtempSync(join(tmpdir(), "kubestatic-image-"))
  try {
    for (const file of ["package.json", "package-lock.json"])
      copyFileSync(join(repository, file), join(work, file))
    // The packages of the other machine, which npm can install but not run: no scripts.
    npm(work, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--os=linux", `--cpu=${cpu}`)
    const node = join(work, "node_modules", `node-linux-${cpu}`)
    copyFileSync(join(node, "bin/node"), join(root, "nodejs/bin/node"))
    copyFileSync(join(node, "LICENSE"), join(root, documents, "LICENSE.node"))
    const bom: Bom = JSON.parse(npm(repository, "run", "--silent", "sbom"))
    writeFileSync(
      join(root, documents, "sbom.cdx.json"),
      `${JSON.stringify(ofImage(bom, cpu), undefined, 2)}
`
    )
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  copyFileSync(join(repository, "LICENSE"), join(root, documents, "LICENSE"))
  cpSync(join(repository, "dist/kubestatic"), join(root, "kubestatic"), { recursive: true })
  const bundle = readFileSync(join(repository, "dist/kubestatic.mjs"), "utf8")
  writeFileSync(join(root, "kubestatic.mjs"), bundle.replace(/^#!.*\n/, `#!${interpreter}\n`))
  for (const file of ["nodejs/bin/node", "kubestatic.mjs"]) chmodSync(join(root, file), 0o755)
  symlinkSync("kubestatic.mjs", join(root, "manager"))
}
