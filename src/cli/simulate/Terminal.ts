/**
 * Shows pictures in the terminal until interrupted.
 * Rule: it draws on the alternate screen and leaves the terminal as it found it, however it ends.
 */
import { Clock, Effect } from "effect"
import { type Picture, render } from "./View.ts"

const framesPerSecond = 8
const enter = "\u001b[?1049h\u001b[?25l"
const leave = "\u001b[?25h\u001b[?1049l"
const home = "\u001b[H"
const clearLine = "\u001b[K"
const clearBelow = "\u001b[J"

const write = (text: string) => Effect.sync(() => process.stdout.write(text))

/** Real time, whatever the world's clock says. */
const nextFrame = Effect.callback<void>((resume) => {
  const timer = setTimeout(() => resume(Effect.void), 1000 / framesPerSecond)
  return Effect.sync(() => clearTimeout(timer))
})

export const show = (picture: () => (now: number) => Picture): Effect.Effect<never> => {
  const draw = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const frame = {
      columns: process.stdout.columns ?? 80,
      rows: process.stdout.rows ?? 24,
      isColored: process.env.NO_COLOR === undefined || process.env.NO_COLOR === ""
    }
    const lines = render(picture()(now), frame)
    yield* write(home + lines.map((line) => line + clearLine).join("\n") + clearBelow)
  })
  return Effect.acquireUseRelease(
    write(enter),
    () => Effect.forever(Effect.andThen(draw, nextFrame)),
    () => write(leave)
  )
}
