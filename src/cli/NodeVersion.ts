/**
 * Says clearly when an older Node runs the program, instead of a syntax error somewhere in a library.
 * Rule: imports nothing and uses no new syntax, so that an old Node gets this far; the check runs before the
 * rest of the program is imported.
 */

/** Node 22.19 is the first that runs TypeScript as it is without a flag, and what the libraries ask for. */
const oldest = { major: 22, minor: 19 }

/** `version` is process.versions.node; undefined when it will do, else one line that says what is wrong. */
export const complaintAbout = (version: string): string | undefined => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major > oldest.major || (major === oldest.major && minor >= oldest.minor)
    ? undefined
    : `kubestatic needs Node ${oldest.major}.${oldest.minor} or newer (24 is what it is tested with); this is Node ${version}`
}
