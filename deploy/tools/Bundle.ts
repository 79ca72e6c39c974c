/**
 * The program as it ships: an entry of a few lines, and beside it the parts that it loads once they are needed.
 * Rule: what the operator does not use is not in it; where a library hides from the bundler that something is unused,
 * it is told so here, and nothing of what the library does is changed.
 *
 *   kubestatic.mjs           executable; says so to an old Node before anything else is read
 *   kubestatic/*.mjs         the parts: the operator, EC2, kubeconfig, the simulation, ...
 */
import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type Plugin } from "esbuild"

const repository = fileURLToPath(new URL("../../", import.meta.url))

/**
 * The schemas of the EC2 client: thousands of arrays, each used by a few commands. Their objects have computed keys,
 * `{ [_xN]: ... }`, of constants above; a computed key may run code for all that the bundler knows, so it keeps every
 * array. Written out, the keys are the same and the arrays of other commands go.
 */
const plainKeys = (source: string): string => {
  const constants = new Map(
    [...source.matchAll(/^const (_\w+) = ("[^"]*");$/gm)].map(([, name = "", text = ""]) => [name, text])
  )
  return source.replaceAll(/\[(_\w+)\]:/g, (whole, name: string) => {
    const text = constants.get(name)
    return text === undefined ? whole : `${text}:`
  })
}

const ec2Schemas: Plugin = {
  name: "only the EC2 schemas that are used",
  setup: (building) => {
    building.onLoad({ filter: /client-ec2\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => ({
      contents: plainKeys(await readFile(path, "utf8")),
      loader: "js"
    }))
  }
}

/**
 * The Kubernetes client is used to read kubeconfigs, and its modules only define things, which its package does not
 * say. What it would send requests by (undici) is never called: requests go through the operator's own agent.
 */
const kubeconfigOnly: Plugin = {
  name: "only the kubeconfig of the Kubernetes client",
  setup: (building) => {
    building.onResolve({ filter: /^\.\/gen\/index\.js$/ }, async (asked) => {
      if (!asked.importer.includes("@kubernetes/client-node/")) return undefined
      return { path: asked.path, namespace: "requests-are-sent-elsewhere" }
    })
    building.onResolve({ filter: /^undici$/ }, (asked) =>
      asked.importer.includes("@kubernetes/client-node/")
        ? { path: asked.path, namespace: "requests-are-sent-elsewhere" }
        : undefined
    )
    building.onLoad({ filter: /.*/, namespace: "requests-are-sent-elsewhere" }, () => ({
      contents: ["Agent", "ProxyAgent", "ServerConfiguration"]
        .map((name) => `export class ${name} { constructor() { throw new Error("not in the bundle") } }`)
        .concat('export const createConfiguration = () => { throw new Error("not in the bundle") }')
        .join("\n"),
      loader: "js"
    }))
  }
}

/** Bytes of each file that was written, by its path below `folder`. */
export const write = async (folder: string): Promise<ReadonlyMap<string, number>> => {
  // Parts are named by what is in them: those of an earlier build would stay.
  await rm(folder, { recursive: true, force: true })
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: { kubestatic: "src/main.ts" },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    chunkNames: "kubestatic/[name]-[hash]",
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node24",
    mainFields: ["module", "main"],
    minify: true,
    keepNames: true,
    legalComments: "none",
    metafile: true,
    // Of the libraries that are CommonJS, some require Node's modules.
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
    plugins: [ec2Schemas, kubeconfigOnly]
  })
  return new Map(
    Object.entries(metafile.outputs).map(([path, { bytes }]) => [
      join(repository, path).slice(folder.length),
      bytes
    ])
  )
}
