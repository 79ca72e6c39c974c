/**
 * Standard output when it takes no more.
 * Rule: who has read enough (`| head`) ends the process without a word, as SIGPIPE does elsewhere; anything else, such
 * as a full disk, is one line.
 */
import { ExitCode, ofSignal } from "./ExitCode.ts"

/** Without a listener every such error is thrown, with a stack. */
export const endWithIt = (): void => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(ofSignal("SIGPIPE"))
    process.stderr.write(`kubestatic: standard output: ${error.message}\n`)
    process.exit(ExitCode.failure)
  })
}
