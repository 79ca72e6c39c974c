/**
 * The steps of the Dockerfile, outside of a container: what would be in the image is laid out in a folder, and run as
 * the user of the image with the folder read-only.
 */
import { spawnSync } from "node:child_process"
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { cache, write } from "../../../deploy/tools/ImageRoot.ts"
import { root } from "../world/Bundle.ts"

interface CycloneDx {
  readonly bomFormat: string
  readonly metadata: { readonly component: { readonly name: string } }
  readonly components: ReadonlyArray<{
    readonly "bom-ref": string
    readonly hashes?: ReadonlyArray<unknown>
  }>
}

/** `elf` is e_machine of an executable's header: EM_X86_64 and EM_AARCH64. */
const machines = [
  { architecture: "amd64", cpu: "x64", elf: 62 },
  { architecture: "arm64", cpu: "arm64", elf: 183 }
] as const

const elfMachine = (path: string): number => readFileSync(path).readUInt16LE(18)

const folder = mkdtempSync(join(tmpdir(), "kubestatic-image-root-"))
const architecture = process.arch === "x64" ? "amd64" : process.arch
/** A process of root's can become the user of the image; another one stays who it is. */
const user = process.getuid?.() === 0 ? { uid: 65532, gid: 65532 } : {}

const manager = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  spawnSync(join(folder, "root/manager"), [...args], {
    encoding: "utf8",
    cwd: "/",
    env: { NODE_ENV: "production", NODE_COMPILE_CACHE: join(folder, cache), ...env },
    ...user
  })

describe("the image, laid out in a folder", () => {
  beforeAll(() => {
    write({ folder, architecture, interpreter: join(folder, "root/nodejs/bin/node") })
    chmodSync(folder, 0o755)
    if (user.uid !== undefined) chownSync(join(folder, cache), user.uid, user.gid)
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("holds the bundle, its Node, licences and the bill of materials, and nothing else", () => {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
    assert.sameMembers(files, [
      "/root/kubestatic.mjs",
      ...readdirSync(join(root, "dist/kubestatic")).map((part) => `/root/kubestatic/${part}`),
      "/root/manager",
      "/root/nodejs/bin/node",
      "/root/usr/share/doc/kubestatic/LICENSE",
      "/root/usr/share/doc/kubestatic/LICENSE.node",
      "/root/usr/share/doc/kubestatic/sbom.cdx.json"
    ])
    assert.strictEqual(readlinkSync(join(folder, "root/manager")), "kubestatic.mjs")
  })

  it("says in its bill of materials what was bundled, and the Node that is there", () => {
    const bom = JSON.parse(
      readFileSync(join(folder, "root/usr/share/doc/kubestatic/sbom.cdx.json"), "utf8")
    ) as CycloneDx
    assert.strictEqual(bom.bomFormat, "CycloneDX")
    assert.strictEqual(bom.metadata.component.name, "kubestatic")
    const names = bom.components.map((component) => component["bom-ref"].replace(/@[^@]*$/, ""))
    const { dependencies } = JSON.parse(
      readFileSync(new URL("../../../package.json", import.meta.url), "utf8")
    ) as { readonly dependencies: Readonly<Record<string, string>> }
    assert.includeMembers(names, Object.keys(dependencies))
    assert.deepStrictEqual(
      names.filter((name) => name.startsWith("node-linux-")),
      [`node-linux-${process.arch}`]
    )
    assert.notInclude(names, "vitest")
    assert.isTrue(bom.components.every((component) => (component.hashes ?? []).length > 0))
  })

  it("runs as the image does: a whole run over pretended worlds fills the code cache", () => {
    const printed = manager(["simulate", "--nodes", "5", "--speed", "max", "--json"])
    assert.strictEqual(printed.status, 0, printed.stderr)
    assert.isTrue((JSON.parse(printed.stdout) as { readonly converged: boolean }).converged)
  })

  it("takes the code cache again when the root is read-only", () => {
    for (const path of readdirSync(join(folder, cache), { recursive: true, encoding: "utf8" })) {
      chmodSync(join(folder, cache, path), 0o555)
    }
    const printed = manager(["version"], { NODE_DEBUG_NATIVE: "COMPILE_CACHE" })
    assert.strictEqual(printed.status, 0, printed.stderr)
    assert.match(printed.stdout + printed.stderr, /V8 code cache for ESM file:.*kubestatic\.mjs was accepted/)
  })

  it("takes the arguments of the Go implementation, as a user without a home", () => {
    const go = ["-leader-elect", "--metrics-bind-address=:0", "--health-probe-bind-address=127.0.0.1:0"]
    const printed = manager([
      ...go,
      "--zap-devel",
      "--zap-encoder=console",
      "--cloud-provider=aws",
      "--cluster-id=production",
      "--kubeconfig=/nowhere"
    ])
    assert.strictEqual(printed.status, 2)
    assert.match(printed.stderr, /^kubestatic: .*\/nowhere/m, "every flag before is taken")
    const wrong = manager([...go, "--no-such-flag"])
    assert.strictEqual(wrong.status, 2)
    assert.match(wrong.stderr, /unknown flag "--no-such-flag"/)
  })

  it("is made for two machines, each with the Node for it, and says so", () => {
    for (const other of machines.filter((machine) => machine.architecture !== architecture)) {
      const otherFolder = join(folder, other.architecture)
      write({ folder: otherFolder, architecture: other.architecture })
      assert.strictEqual(elfMachine(join(otherFolder, "root/nodejs/bin/node")), other.elf)
      const bom = readFileSync(join(otherFolder, "root/usr/share/doc/kubestatic/sbom.cdx.json"), "utf8")
      assert.deepStrictEqual(new Set(bom.match(/node-linux-\w+/g)), new Set([`node-linux-${other.cpu}`]))
      const of = (root: string) =>
        readFileSync(join(root, "root/kubestatic.mjs"), "utf8").replace(/^.*\n/, "")
      assert.isTrue(of(otherFolder) === of(folder), "the bundle is the same on both")
    }
    const own = machines.find((machine) => machine.architecture === architecture)
    assert.strictEqual(elfMachine(join(folder, "root/nodejs/bin/node")), own?.elf)
    assert.throws(() => write({ folder, architecture: "riscv64" }), /amd64 and arm64, not for riscv64/)
  }, 120_000)
})
