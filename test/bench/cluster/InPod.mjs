/**
 * Loaded before the operator: the files of a pod's service account are those of a folder of the bench.
 * Rule: nothing else differs from a pod; in particular no kubeconfig library is loaded.
 */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

const mounted = "/var/run/secrets/kubernetes.io/serviceaccount"
const folder = process.env.BENCH_SERVICE_ACCOUNT ?? ""
const moved = (path) =>
  typeof path === "string" && path.startsWith(mounted) ? folder + path.slice(mounted.length) : path

const { existsSync } = fs
const { readFile } = fs.promises
fs.existsSync = (path) => existsSync(moved(path))
fs.promises.readFile = (path, ...rest) => readFile(moved(path), ...rest)
syncBuiltinESMExports()
