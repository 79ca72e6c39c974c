/**
 * The picture of a running simulation, as lines of text.
 * Rule: pure; it fits the terminal it is given, and says most in the fewest lines: nodes, actors, buckets, time.
 */
export interface NodeRow {
  readonly name: string
  readonly address: string | undefined
  /** Ports open on it. */
  readonly rules: number
  readonly state: "served" | "waiting" | "cordoned" | "going" | "plain"
}

export interface BucketRow {
  readonly action: string
  readonly tokens: number
  readonly capacity: number
  readonly calls: number
  readonly waiting: number
}

export interface ActorRow {
  readonly kind: string
  readonly total: number
  readonly running: number
  /** What most of those that wait wait for. */
  readonly note: string | undefined
}

export interface Picture {
  readonly title: string
  readonly elapsedSeconds: number
  readonly floorSeconds: number
  readonly nodes: ReadonlyArray<NodeRow>
  readonly actors: ReadonlyArray<ActorRow>
  readonly buckets: ReadonlyArray<BucketRow>
  /** Newest last. */
  readonly story: ReadonlyArray<string>
}

export interface Frame {
  readonly columns: number
  readonly rows: number
  readonly isColored: boolean
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const
type Style = keyof typeof codes

const painter =
  (isColored: boolean) =>
  (style: Style, text: string): string =>
    isColored ? `\u001b[${codes[style]}m${text}\u001b[0m` : text

const cut = (text: string, width: number): string =>
  text.length <= width ? text.padEnd(width) : `${text.slice(0, Math.max(0, width - 1))}…`

const bar = (part: number, width: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, part)) * width)
  return "█".repeat(full) + "░".repeat(width - full)
}

const marks: Readonly<Record<NodeRow["state"], readonly [string, Style]>> = {
  served: ["●", "green"],
  waiting: ["◌", "yellow"],
  cordoned: ["◍", "cyan"],
  going: ["✕", "red"],
  plain: ["·", "dim"]
}

const nodeLines = (nodes: ReadonlyArray<NodeRow>, frame: Frame, room: number): ReadonlyArray<string> => {
  const paint = painter(frame.isColored)
  const cell = 34
  const perLine = Math.max(1, Math.floor(frame.columns / cell))
  // Those that want something are worth a line before those that are served.
  const order = ["waiting", "going", "cordoned", "served", "plain"]
  const sorted = nodes.toSorted(
    (a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.name < b.name ? -1 : 1)
  )
  const shown = sorted.slice(0, perLine * room)
  const lines: Array<string> = []
  for (let i = 0; i < shown.length; i += perLine) {
    lines.push(
      shown
        .slice(i, i + perLine)
        .map((n) => {
          const [mark, style] = marks[n.state]
          const rules = n.rules === 0 ? "" : ` ${n.rules}⚑`
          return `${paint(style, mark)} ${cut(`${cut(n.name, 12)} ${n.address ?? "…"}${rules}`, cell - 3)} `
        })
        .join("")
    )
  }
  return lines
}

export const render = (picture: Picture, frame: Frame): ReadonlyArray<string> => {
  const paint = painter(frame.isColored)
  const served = picture.nodes.filter((n) => n.state === "served").length
  const wanting = picture.nodes.filter((n) => n.state === "waiting").length
  const barWidth = 20
  const used = picture.buckets.filter((b) => b.calls > 0)
  const head = [
    paint("bold", cut(picture.title, frame.columns)),
    `${bar(served / Math.max(1, served + wanting), barWidth)} ${served} served, ${wanting} waiting` +
      `   ${picture.elapsedSeconds.toFixed(1)} s ${paint("dim", `(EC2's floor ${picture.floorSeconds.toFixed(1)} s)`)}`,
    ""
  ]
  const actors = picture.actors.map((a) =>
    cut(
      `  ${a.kind.padEnd(14)} ${String(a.total).padStart(5)}  ${String(a.running).padStart(4)} busy  ${a.note === undefined ? "" : `waits for ${a.note}`}`,
      frame.columns
    )
  )
  const buckets = used.map((b) => {
    const isLow = b.tokens < b.capacity / 10
    const fill = paint(isLow ? "red" : "green", bar(b.tokens / b.capacity, 10))
    return `  ${cut(b.action, 32)} ${fill} ${String(b.calls).padStart(5)} calls${b.waiting > 0 ? `, ${b.waiting} waiting` : ""}`
  })
  const fixed = head.length + actors.length + buckets.length + 4
  const storyRoom = Math.min(picture.story.length, Math.max(2, Math.min(6, frame.rows - fixed - 3)))
  const nodeRoom = Math.max(1, frame.rows - fixed - storyRoom - 1)
  const nodes = nodeLines(picture.nodes, frame, nodeRoom)
  return [
    ...head,
    ...nodes,
    "",
    paint("dim", "actors"),
    ...actors,
    paint("dim", "EC2 buckets"),
    ...buckets,
    paint("dim", "what happened"),
    ...picture.story.slice(-storyRoom).map((line) => cut(`  ${line}`, frame.columns))
  ].slice(0, frame.rows)
}
