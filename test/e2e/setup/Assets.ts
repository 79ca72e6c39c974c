/**
 * The real things that the end-to-end suites need, and where they are.
 * Rule: looking is free of effects on the disk; what is not there is named, with the way to get it.
 */
import { createHash } from "node:crypto"
import { accessSync, constants, existsSync, readFileSync } from "node:fs"
import { homedir } from "node:os"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Versions from "./Versions.ts"

export type Environment = Readonly<Record<string, string | undefined>>

export interface Assets {
  readonly etcd: string
  readonly kubeApiserver: string
  readonly kubectl: string
  readonly helm: string
  /** A Python that can import what the EC2 emulator needs. */
  readonly python: string
}

/** Each as people call it. */
export const titles: { readonly [K in keyof Assets]: string } = {
  etcd: "etcd",
  kubeApiserver: "kube-apiserver",
  kubectl: "kubectl",
  helm: "helm",
  python: "the EC2 emulator"
}

export const folder = fileURLToPath(new URL("..", import.meta.url))
export const requirements = join(folder, "emulator", "requirements.txt")

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The first of that name on PATH. */
export const onPath = (name: string, env: Environment): string | undefined =>
  (env.PATH ?? "")
    .split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, name))
    .find(isExecutable)

/** Outside of the tree, so that every clone shares it; each entry carries its version. */
export const cache = (env: Environment): string =>
  env.KUBESTATIC_E2E_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kubestatic-e2e")

/** Where each of them is put by `npm run e2e:setup`. */
export const cached = (env: Environment): Assets => {
  const root = cache(env)
  const layer = join(root, `kubectl-layer-${Versions.kubectlPackage.version}`)
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12)
  return {
    etcd: join(root, `etcd-${Versions.etcd}`, "etcd"),
    kubeApiserver: join(root, `kube-apiserver-${Versions.kubeApiserver}`, "kube-apiserver"),
    kubectl: join(layer, "kubectl"),
    helm: join(layer, "helm"),
    python: join(root, `emulator-${wanted}`, "bin", "emulator-python")
  }
}

/** Where each of them is looked for, best first. */
const places = (env: Environment): { readonly [K in keyof Assets]: ReadonlyArray<string | undefined> } => {
  const own = cached(env)
  // The convention of controller-runtime's envtest: a folder that holds both.
  const ofEnvtest = (name: string) =>
    env.KUBEBUILDER_ASSETS ? [join(env.KUBEBUILDER_ASSETS, name)] : undefined
  return {
    etcd: ofEnvtest("etcd") ?? [own.etcd],
    kubeApiserver: ofEnvtest("kube-apiserver") ?? [own.kubeApiserver],
    kubectl: [onPath("kubectl", env), own.kubectl],
    helm: [env.KUBESTATIC_HELM, onPath("helm", env), own.helm],
    python: [own.python]
  }
}

/** What is missing, in words. */
export const inWords = (missing: ReadonlyArray<keyof Assets>): string =>
  missing.map((name) => titles[name]).join(", ")

export type Located =
  | { readonly _tag: "Complete"; readonly assets: Assets }
  | { readonly _tag: "Incomplete"; readonly missing: ReadonlyArray<keyof Assets> }

export const locate = (env: Environment): Located => {
  const lookedFor = places(env)
  const found = (name: keyof Assets) =>
    lookedFor[name].find((path) => path !== undefined && existsSync(path) && isExecutable(path))
  const etcd = found("etcd")
  const kubeApiserver = found("kubeApiserver")
  const kubectl = found("kubectl")
  const helm = found("helm")
  const python = found("python")
  if (etcd && kubeApiserver && kubectl && helm && python) {
    return { _tag: "Complete", assets: { etcd, kubeApiserver, kubectl, helm, python } }
  }
  const missing = (Object.keys(titles) as ReadonlyArray<keyof Assets>).filter(
    (name) => found(name) === undefined
  )
  return { _tag: "Incomplete", missing }
}
