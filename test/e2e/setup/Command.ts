/**
 * One command of another program during the set-up.
 * Rule: what is run and how long it took is printed; of a command that fails, all it said.
 */
import { spawn } from "node:child_process"
import type { Environment } from "./Assets.ts"

export interface Options {
  readonly cwd?: string
  readonly env?: Environment
}

/** The standard output; rejects with everything the command printed. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  { cwd, env }: Options = {}
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const printed: Array<string> = []
    const all: Array<string> = []
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed.push(text)
      all.push(text)
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => all.push(text))
    const line = [command, ...args].join(" ")
    child.on("error", (error) => reject(new Error(`${line}: ${error.message}`)))
    child.on("close", (code, signal) => {
      if (code === 0) resolve(printed.join(""))
      else reject(new Error(`${line} ended with ${code ?? signal}\n${all.join("").slice(-8_000)}`))
    })
  })

/** Says what is done, and afterwards how long it took. */
export const step = async <A>(what: string, work: () => Promise<A>): Promise<A> => {
  const began = performance.now()
  process.stdout.write(`e2e:setup  ${what} ...\n`)
  const done = await work()
  process.stdout.write(`e2e:setup  ${what}: ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  return done
}
