/**
 * Three projects, one after the other: what is quick, every fault at every call, and what needs the real things (a
 * kube-apiserver, an EC2 emulator, kubectl).
 * Rule: where the real things are missing that is said loudly, and with CI set it is a failure: no run looks as if it
 * had tried what it has not.
 */
import { defineConfig, type TestProjectConfiguration } from "vitest/config"
import { inWords, locate } from "./test/e2e/setup/Assets.ts"
import LongestFirst from "./test/LongestFirst.ts"

const unit: TestProjectConfiguration = {
  test: {
    name: "unit",
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/Chance.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "threads"
  }
}

const faults: TestProjectConfiguration = {
  test: {
    name: "faults",
    include: ["test/faults/**/*.suite.ts"],
    pool: "threads",
    // It takes every core for itself.
    sequence: { groupOrder: 1 }
  }
}

const e2e: TestProjectConfiguration = {
  test: {
    name: "e2e",
    include: ["test/e2e/**/*.e2e.ts"],
    globalSetup: ["test/e2e/world/Build.ts"],
    // For what hangs: longer than a hundred kills and the four minutes that the worlds are then given to agree.
    testTimeout: 600_000,
    hookTimeout: 180_000,
    pool: "threads",
    // Each suite has an API server, an etcd and an EC2 of its own.
    maxWorkers: 4,
    sequence: { groupOrder: 2 }
  }
}

const projects = (): ReadonlyArray<TestProjectConfiguration> => {
  const located = locate(process.env)
  if (located._tag === "Complete") return [unit, faults, e2e]
  const line = `THE END-TO-END SUITES CANNOT RUN: ${inWords(located.missing)} missing; npm run e2e:setup gets them`
  if (process.env.CI === "true") throw new Error(line)
  process.stderr.write(`\n*** ${line} ***\n\n`)
  return [unit, faults]
}

export default defineConfig({
  test: {
    projects: [...projects()],
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./test/ClosingLine.ts"]
  }
})
