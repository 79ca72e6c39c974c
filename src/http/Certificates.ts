/**
 * The certificate of the metrics server from a folder, as cert-manager and Kubernetes secrets lay it out.
 * Rule: a pair is given out only when certificate and key fit; a broken change leaves the old pair in use.
 */
import { createSecureContext } from "node:tls"
import { Effect, FileSystem, Path, Schedule, Schema } from "effect"
import type { KeyPair } from "./Server.ts"

export class CertificateError extends Schema.TaggedError<CertificateError>()("CertificateError", {
  /** One line that names the flag and the folder. */
  message: Schema.String
}) {}

const refuse = (folder: string, why: string) =>
  new CertificateError({ message: `--metrics-cert-dir: ${folder}: ${why.replaceAll(/\s+/g, " ")}` })

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** tls.crt and tls.key of `folder`, once. */
export const read = Effect.fn("Certificates.read")(function* (folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const load = (name: string) =>
    Effect.mapError(files.readFileString(path.join(folder, name)), (error) =>
      refuse(folder, `cannot read ${name}: ${textOf(error)}`)
    )
  const pair: KeyPair = { certificate: yield* load("tls.crt"), key: yield* load("tls.key") }
  yield* Effect.try({
    try: () => createSecureContext({ cert: pair.certificate, key: pair.key }),
    catch: (error) => refuse(folder, `tls.crt and tls.key are no pair: ${textOf(error)}`)
  })
  return pair
})

/**
 * A mounted secret changes by swapping a symbolic link above the files, which watches of files miss: the
 * two small files are read again instead.
 */
const interval = Schedule.spaced("10 seconds")

/** Never ends. `use` gets every new pair; each new problem is logged once, and the last good pair stays. */
export const watch = Effect.fn("Certificates.watch")(function* (
  folder: string,
  current: KeyPair,
  use: (pair: KeyPair) => void
) {
  let inUse = current
  let problem = ""
  const look = Effect.gen(function* () {
    const pair = yield* read(folder)
    problem = ""
    if (pair.certificate === inUse.certificate && pair.key === inUse.key) return
    use(pair)
    inUse = pair
    yield* Effect.logInfo("the certificate of the metrics endpoint was replaced")
  }).pipe(
    Effect.catch((error) => {
      const isNew = error.message !== problem
      problem = error.message
      return isNew
        ? Effect.logWarning(`${error.message}; the last good certificate stays in use`)
        : Effect.void
    })
  )
  return yield* Effect.schedule(look, interval)
})
