/**
 * The version of the program, from the one place that has it.
 * Rule: package.json is read when the program is bundled, never looked for at run time in a bundle.
 */
import manifest from "../../package.json" with { type: "json" }

export const version: string = manifest.version

/** One line for `kubestatic version`; `node` is process.versions.node. */
export const versionLine = (node: string): string => `kubestatic ${version} (Node ${node})`
