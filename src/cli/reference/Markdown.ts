/**
 * The few forms of Markdown that the reference is written in.
 * Rule: text is laid out so that a table holds whatever it says.
 */

/** What stands between two bars must hold neither a bar nor a line break. */
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ")

const row = (cells: ReadonlyArray<string>): string => `| ${cells.map(cell).join(" | ")} |`

export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n")

export const code = (text: string): string => `\`${text}\``

/** Blocks with an empty line between them. */
export const blocks = (...parts: ReadonlyArray<string>): string => parts.join("\n\n")
