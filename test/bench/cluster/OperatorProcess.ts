/**
 * The operator as it ships, as a process of its own in a pretended pod, and what the system says of it.
 * Rule: it is given what a pod is given; memory and processor time are read from /proc, where nothing is guessed.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import type { ApiServer } from "./ApiServer.ts"

export const bundle = fileURLToPath(new URL("../../../dist/kubestatic.mjs", import.meta.url))
const dockerfile = new URL("../../../deploy/Dockerfile", import.meta.url)
const inPod = fileURLToPath(new URL("InPod.mjs", import.meta.url))

/** What the image sets, but for the place of its code cache. */
const environmentOfImage = (): Readonly<Record<string, string>> => {
  const set = [...readFileSync(dockerfile, "utf8").matchAll(/^ENV (.+)$/gm)].flatMap(([, pairs = ""]) =>
    pairs.split(" ")
  )
  const pairs = set.map((pair): [string, string] => [
    pair.slice(0, pair.indexOf("=")),
    pair.slice(pair.indexOf("=") + 1)
  ])
  return Object.fromEntries(pairs.filter(([name]) => name !== "NODE_COMPILE_CACHE"))
}

export interface Options {
  readonly server: ApiServer
  /** Where EC2 is. */
  readonly ec2: string
  readonly flags?: ReadonlyArray<string>
  readonly nodeFlags?: ReadonlyArray<string>
  /** V8's code cache; none when absent. */
  readonly compileCache?: string
}

export interface OperatorProcess {
  readonly pid: number
  /** Milliseconds of `performance.now()`, right before it was started. */
  readonly startedAt: number
  /** Completes when the probe of that path answers 200; with the time of that. */
  readonly passes: (path: "/healthz" | "/readyz") => Promise<number>
  /** Completes when the probe's port takes connections. */
  readonly listens: () => Promise<number>
  /** Resident bytes now, and at most so far. */
  readonly memory: () => { readonly now: number; readonly peak: number }
  /** Seconds of processor time, user and system. */
  readonly cpuSeconds: () => number
  /** Completes when `isSo`; fails when that does not come within two minutes, or the operator ends before. */
  readonly until: (what: string, isSo: () => Promise<boolean>) => Promise<number>
  /** Completes when it has done next to nothing for a second. */
  readonly rests: () => Promise<number>
  readonly metric: (name: string) => Promise<number>
  readonly output: () => string
  readonly end: (signal: NodeJS.Signals) => Promise<void>
}

/** Of this user (USER_HZ), as /proc counts processor time. */
const ticksPerSecond = 100

/** Processor seconds in a second: what still counts as rest. */
const restingShare = 0.1

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

const statusBytes = (pid: number, field: string): number => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? Number.NaN) * 1_024
}

const fetchText = async (url: string): Promise<{ readonly status: number; readonly body: string }> => {
  try {
    const reply = await fetch(url)
    return { status: reply.status, body: await reply.text() }
  } catch {
    return { status: 0, body: "" }
  }
}

export const start = async (o: Options): Promise<OperatorProcess> => {
  const folder = mkdtempSync(join(tmpdir(), "kubestatic-bench-"))
  const account = join(folder, "serviceaccount")
  mkdirSync(account)
  writeFileSync(join(account, "token"), "bench")
  writeFileSync(join(account, "ca.crt"), o.server.authority)
  writeFileSync(join(account, "namespace"), "kubestatic")
  const probes = await freePort()
  const metrics = await freePort()
  let output = ""
  const startedAt = performance.now()
  const child: ChildProcess = spawn(
    process.execPath,
    [
      "--import",
      inPod,
      ...(o.nodeFlags ?? []),
      bundle,
      `--health-probe-bind-address=127.0.0.1:${probes}`,
      `--metrics-bind-address=127.0.0.1:${metrics}`,
      ...(o.flags ?? [])
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        ...environmentOfImage(),
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBERNETES_SERVICE_PORT: String(o.server.port),
        BENCH_SERVICE_ACCOUNT: account,
        AWS_ENDPOINT_URL_EC2: o.ec2,
        AWS_REGION: "eu-west-1",
        AWS_ACCESS_KEY_ID: "bench",
        AWS_SECRET_ACCESS_KEY: "bench",
        AWS_EC2_METADATA_DISABLED: "true",
        ...(o.compileCache === undefined ? {} : { NODE_COMPILE_CACHE: o.compileCache })
      }
    }
  )
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-100_000)
    })
  }
  const exited = once(child, "exit")
  const pid = child.pid ?? -1
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const fail = (what: string): never => {
    throw new Error(`${what}: ${output.slice(-2_000)}`)
  }

  const until = async (what: string, isSo: () => Promise<boolean>): Promise<number> => {
    const deadline = performance.now() + 120_000
    for (;;) {
      if (await isSo()) return performance.now()
      if (!isRunning()) fail(`the operator ended before ${what}`)
      if (performance.now() > deadline) fail(`the operator did not come to ${what}`)
      await pause(2)
    }
  }

  const cpuSeconds = (): number => {
    // After the name, which may hold spaces: utime and stime are fields 14 and 15 (proc(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  }

  return {
    pid,
    startedAt,
    passes: (path) =>
      until(path, async () => (await fetchText(`http://127.0.0.1:${probes}${path}`)).status === 200),
    listens: () =>
      until("listening", async () => (await fetchText(`http://127.0.0.1:${probes}/healthz`)).status > 0),
    memory: () => ({ now: statusBytes(pid, "VmRSS"), peak: statusBytes(pid, "VmHWM") }),
    cpuSeconds,
    until,
    rests: () =>
      until("rest", async () => {
        const before = cpuSeconds()
        await pause(1_000)
        return cpuSeconds() - before <= restingShare
      }),
    metric: async (name) => {
      const { body } = await fetchText(`http://127.0.0.1:${metrics}/metrics`)
      const lines = body
        .split("\n")
        .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0)
    },
    output: () => output,
    end: async (signal) => {
      if (isRunning()) child.kill(signal)
      await exited
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
