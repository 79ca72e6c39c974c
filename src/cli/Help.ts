/**
 * What --help prints, from the tables of flags.
 * Rule: lines stay within 100 columns; every flag shows what it takes and its default.
 */
import { flags } from "../Options.ts"
import type { Flag, Table } from "./Flag.ts"
import { simulateFlags } from "./SimulateOptions.ts"
import { version } from "./Version.ts"

const width = 100

const wrap = (text: string, indent: string): string => {
  const lines: Array<string> = []
  let line = indent
  for (const word of text.split(" ")) {
    if (line.trim() !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = indent
    }
    line += line === indent ? word : ` ${word}`
  }
  return [...lines, line].join("\n")
}

const flagHelp = (flag: Flag<unknown>): string => {
  const dashed = (name: string) => (name.length === 1 ? `-${name}` : `--${name}`)
  const names = [flag.name, ...flag.aliases].map(dashed).join(", ")
  const details = [flag.help, `Takes ${flag.takes}.`]
  if (flag.fallback !== undefined && flag.fallback !== "") details.push(`Default: ${flag.fallback}.`)
  return `  ${names}\n${wrap(details.join(" "), "      ")}`
}

const sections = (table: Table): string => {
  const bySection = Map.groupBy(Object.values(table), (flag) => flag.section)
  return [...bySection]
    .map(([section, members]) => `${section}:\n${members.map(flagHelp).join("\n")}`)
    .join("\n\n")
}

const variables = wrap(
  "A flag may also be given as an environment variable: KUBESTATIC_ and its name in capitals, with _ for -, such as KUBESTATIC_LOG_LEVEL. The flag wins. Durations are written as in Go: 10s, 1m30s. --flag= means not given.",
  ""
)

export const operatorHelp = (): string => `kubestatic ${version}
Static public IPs and firewall rules for Kubernetes nodes on AWS.

Usage:
  kubestatic [flags]             run the operator
  kubestatic simulate [flags]    run it on a pretended cluster and cloud (--help says more)
  kubestatic crds                print the CustomResourceDefinitions
  kubestatic version             print the version

${sections(flags)}

${variables}
AWS region, credentials and endpoint come from the standard chain of the AWS SDK.
`

/** `scenarios` are the names that --scenario takes. */
export const simulateHelp = (scenarios: ReadonlyArray<string>): string => `kubestatic simulate ${version}
Runs the operator on a pretended cluster and cloud, both in memory.

Usage:
  kubestatic simulate [flags]

${sections(simulateFlags(scenarios))}
`
