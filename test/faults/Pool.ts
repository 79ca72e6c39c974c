/**
 * All runs of a mode, spread over threads.
 * Rule: what is found does not depend on how many there are; a thread that dies ends the whole with its error.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { explore as explorePart, type Mode, type Progress, type Task } from "./Explore.ts"

type Message =
  | { readonly _tag: "Progress"; readonly progress: Progress }
  | { readonly _tag: "Done"; readonly progress: Progress }

export const joined = (parts: ReadonlyArray<Progress>): Progress => ({
  units: parts.reduce((sum, p) => sum + p.units, 0),
  runs: parts.reduce((sum, p) => sum + p.runs, 0),
  calls: parts.reduce((sum, p) => sum + p.calls, 0),
  found: parts.flatMap((p) => p.found),
  pairs: [...new Set(parts.flatMap((p) => p.pairs))],
  sizes: parts.flatMap((p) => p.sizes)
})

const nothing: Progress = { units: 0, runs: 0, calls: 0, found: [], pairs: [], sizes: [] }
/** Milliseconds between two lines of progress. */
const every = 5_000

export const explore = async (
  what: { readonly mode: Mode; readonly workload: string | undefined },
  workers: number,
  tell: (progress: Progress) => void
): Promise<Progress> => {
  const parts: Array<Progress> = Array.from({ length: workers }, () => nothing)
  let told = performance.now()
  const one = (part: number) =>
    new Promise<void>((resolve, reject) => {
      const task: Task = { ...what, part, parts: workers }
      const worker = new Worker(new URL(import.meta.url), { workerData: task })
      worker.on("message", ({ _tag, progress }: Message) => {
        parts[part] = progress
        if (_tag === "Done") return resolve()
        if (performance.now() - told < every) return
        told = performance.now()
        tell(joined(parts))
      })
      worker.on("error", reject)
      worker.on("exit", (code) => reject(new Error(`a thread ended with code ${code}`)))
    })
  await Promise.all(parts.map((_, part) => one(part)))
  return joined(parts)
}

if (!isMainThread && workerData !== null) {
  // Stacks of errors that are part of the play are not looked at, and cost more than the play.
  Error.stackTraceLimit = 0
  const send = (message: Message) => parentPort?.postMessage(message)
  const progress = explorePart(workerData as Task, (so) => send({ _tag: "Progress", progress: so }))
  send({ _tag: "Done", progress })
}
