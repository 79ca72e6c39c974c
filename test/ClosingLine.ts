/**
 * A reporter that closes a run with plain lines of figures, for people and for machines that read logs: one for each
 * project where there are several, and one for all.
 * Rule: the figures are counted from the results themselves.
 */
import type { Reporter, TestModule } from "vitest/node"

interface Figures {
  passed: number
  failed: number
  skipped: number
}

const none = (): Figures => ({ passed: 0, failed: 0, skipped: 0 })

const count = (figures: Figures, module: TestModule): void => {
  // A file that cannot be loaded has no tests to fail, and must not pass for that.
  if (module.state() === "failed" && module.errors().length > 0) figures.failed += 1
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    if (state === "passed") figures.passed += 1
    else if (state === "failed") figures.failed += 1
    else figures.skipped += 1
  }
}

const line = ({ failed, passed, skipped }: Figures): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const all = none()
    const projects = new Map<string, Figures>()
    for (const module of modules) {
      const figures = projects.get(module.project.name) ?? none()
      projects.set(module.project.name, figures)
      count(figures, module)
      count(all, module)
    }
    const each = projects.size > 1 ? [...projects].map(([name, figures]) => `${name}: ${line(figures)}`) : []
    process.stdout.write(`\n${[...each, line(all)].join("\n")}\n`)
  }
}
