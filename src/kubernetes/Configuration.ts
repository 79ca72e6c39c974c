/**
 * Which configuration is used: --kubeconfig, else the pod's service account, else KUBECONFIG, else ~/.kube/config.
 * Rule: the choice is a pure function of the flag, the environment and which files there are; with none of them
 * the answer is an error in one line, never a guessed address.
 */
import { existsSync } from "node:fs"
import { homedir } from "node:os"
import { delimiter, join } from "node:path"
import { Effect, Layer } from "effect"
import { Access, ConfigurationError } from "./Access.ts"
import * as InCluster from "./InCluster.ts"
import * as Kubeconfig from "./Kubeconfig.ts"

export interface Surroundings {
  /** Of --kubeconfig; "" counts as absent. */
  readonly kubeconfig: string | undefined
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly serviceAccountDirectory: string
  readonly exists: (path: string) => boolean
}

export type Choice =
  | { readonly _tag: "Files"; readonly files: ReadonlyArray<string> }
  | { readonly _tag: "InCluster"; readonly location: InCluster.Location }
  | { readonly _tag: "None"; readonly message: string }

const none = (message: string): Choice => ({ _tag: "None", message })

export const choose = (s: Surroundings): Choice => {
  if (s.kubeconfig) {
    return s.exists(s.kubeconfig)
      ? { _tag: "Files", files: [s.kubeconfig] }
      : none(`--kubeconfig: ${s.kubeconfig} does not exist`)
  }
  const host = s.variables.KUBERNETES_SERVICE_HOST
  const port = s.variables.KUBERNETES_SERVICE_PORT
  const directory = s.serviceAccountDirectory
  if (host && port && s.exists(join(directory, "token"))) {
    return { _tag: "InCluster", location: { host, port, directory } }
  }
  if (s.variables.KUBECONFIG) {
    // Files that do not exist are left out, as kubectl does.
    const files = s.variables.KUBECONFIG.split(delimiter).filter((file) => file !== "" && s.exists(file))
    return files.length > 0
      ? { _tag: "Files", files }
      : none(`KUBECONFIG: ${s.variables.KUBECONFIG} does not exist`)
  }
  const usual = join(s.home, ".kube", "config")
  return s.exists(usual)
    ? { _tag: "Files", files: [usual] }
    : none(`no Kubernetes configuration: not in a pod, no --kubeconfig, no KUBECONFIG, no ${usual}`)
}

export const access = Effect.fn("Configuration.access")(function* (surroundings: Surroundings) {
  const choice = choose(surroundings)
  switch (choice._tag) {
    case "Files":
      return yield* Kubeconfig.access(choice.files)
    case "InCluster":
      return yield* InCluster.access(choice.location)
    case "None":
      return yield* new ConfigurationError({ message: choice.message })
  }
})

/** A user that /etc/passwd does not know, as containers may run, has no home but by HOME: homedir() throws then. */
const home = (): string => {
  try {
    return homedir()
  } catch {
    return "/"
  }
}

/** `kubeconfig` is the value of --kubeconfig. */
export const layer = (kubeconfig: string | undefined): Layer.Layer<Access, ConfigurationError> =>
  Layer.effect(
    Access,
    Effect.suspend(() =>
      access({
        kubeconfig,
        variables: process.env,
        home: home(),
        serviceAccountDirectory: InCluster.serviceAccountDirectory,
        exists: existsSync
      })
    )
  )
