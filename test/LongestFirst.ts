/**
 * The order of test files: those that take minutes begin first, so that the rest is done beside them.
 * Rule: only an order; a file that is not named here runs all the same.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Longest first: kills by the hundred, and what EC2 and connections can only tell by waiting. */
const long = ["Kills.e2e.ts", "Ec2Trouble.e2e.ts", "Leaders.e2e.ts", "ApiServerTrouble.e2e.ts"]

const rank = ({ moduleId }: TestSpecification): number => {
  const found = long.findIndex((name) => moduleId.endsWith(`/e2e/${name}`))
  return found === -1 ? long.length : found
}

export default class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}
