#!/usr/bin/env node
/**
 * The command line: reads it, chooses the live layers, runs one command.
 * Rule: the only file that imports a live module, and only once it is needed; an old Node is told so before
 * anything else is loaded.
 */
import { complaintAbout } from "./cli/NodeVersion.ts"

const complaint = complaintAbout(process.versions.node)
if (complaint === undefined) {
  const { main } = await import("./cli/Main.ts")
  main(process.argv.slice(2), process.env, async () => {
    const [Configuration, LiveKubernetes, LiveEc2] = await Promise.all([
      import("./kubernetes/Configuration.ts"),
      import("./kubernetes/Live.ts"),
      import("./ec2/Live.ts")
    ])
    return {
      access: Configuration.layer,
      kubernetes: LiveKubernetes.layer,
      leases: LiveKubernetes.layerLeases,
      ec2: LiveEc2.layer
    }
  })
} else {
  process.stderr.write(`${complaint}\n`)
  process.exitCode = 2
}
