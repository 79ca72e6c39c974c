/**
 * A pretended world held against the real one: the same sequences of requests, and the answers side by side.
 * Rule: a difference is either listed with its reason, or the shortest sequence that shows it is printed; a listed
 * one that is none any more is a failure too.
 */
import { isDeepStrictEqual } from "node:util"
import { Effect, Schema } from "effect"
import * as Draw from "../../Draw.ts"
import { shrink } from "./Shrink.ts"

/** What was asked, in words, and the normalised answer: plain JSON. */
export interface Line {
  readonly asked: string
  /** The kind of object or the action that it is about. */
  readonly about: string
  readonly answer: unknown
}

export type Transcript = ReadonlyArray<Line>

/** A way in which the two are known to differ. */
export interface Difference<R> {
  readonly what: string
  readonly because: string
  readonly shownBy: ReadonlyArray<R>
  /** The answer without what differs so; an answer that has nothing of it as it is. */
  readonly without: (line: Line) => unknown
}

/** A world of requests `R`, begun afresh for each sequence. */
export type World<R, E> = (sequence: ReadonlyArray<R>) => Effect.Effect<Transcript, E>

export interface Options<R, E> {
  readonly seed: number
  readonly sequences: number
  readonly draw: (draw: Draw.Draw) => ReadonlyArray<R>
  readonly pretended: World<R, E>
  readonly real: World<R, E>
  /** Every answer is compared without them. */
  readonly differences: ReadonlyArray<Difference<R>>
  /** After these the two go different ways: what leads to them is not drawn, and only asked to see that they are so. */
  readonly apart: ReadonlyArray<Difference<R>>
}

type Listed = Pick<Difference<never>, "without">

export class Differs extends Schema.TaggedError<Differs>()("Differs", { message: Schema.String }) {}

interface Pair {
  readonly pretended: Line
  readonly real: Line
}

const answerWithout = (line: Line, differences: ReadonlyArray<Listed>): unknown =>
  differences.reduce((answer, { without }) => without({ ...line, answer }), line.answer)

const isSame = ({ pretended, real }: Pair, differences: ReadonlyArray<Listed>): boolean =>
  isDeepStrictEqual(answerWithout(pretended, differences), answerWithout(real, differences))

const pairs = (pretended: Transcript, real: Transcript): ReadonlyArray<Pair> =>
  Array.from({ length: Math.max(pretended.length, real.length) }, (_, i) => ({
    pretended: pretended[i] ?? { asked: "nothing", about: "nothing", answer: "no answer" },
    real: real[i] ?? { asked: "nothing", about: "nothing", answer: "no answer" }
  }))

const shown = (value: unknown): string => JSON.stringify(value)

/** `.metadata.labels.app: "x" | "y"`, a line for each leaf that differs. */
const leaves = (pretended: unknown, real: unknown, path = ""): ReadonlyArray<string> => {
  if (isDeepStrictEqual(pretended, real)) return []
  const isFields = (v: unknown): v is Readonly<Record<string, unknown>> => typeof v === "object" && v !== null
  if (isFields(pretended) && isFields(real) && Array.isArray(pretended) === Array.isArray(real)) {
    const names = [...new Set([...Object.keys(pretended), ...Object.keys(real)])]
    return names.flatMap((name) => leaves(pretended[name], real[name], `${path}.${name}`))
  }
  return [`${path || "answer"}: pretended ${shown(pretended)}, real ${shown(real)}`]
}

/** Without what is known to differ: it is not what the story is about. */
const story = (which: string, told: ReadonlyArray<Pair>, differences: ReadonlyArray<Listed>): string =>
  [
    `the pretended world and the real one differ (${which}):`,
    ...told.flatMap((pair, i) => {
      const pretended = answerWithout(pair.pretended, differences)
      const real = answerWithout(pair.real, differences)
      const head = `  ${i + 1}. ${pair.real.asked}`
      return isDeepStrictEqual(pretended, real)
        ? [head, `     both: ${shown(real)}`]
        : [
            head,
            `     pretended: ${shown(pretended)}`,
            `     real:      ${shown(real)}`,
            ...leaves(pretended, real).map((line) => `     ${line}`)
          ]
    })
  ].join("\n")

/** The figures of a run that found no difference but the listed ones. */
export interface Figures {
  readonly sequences: number
  readonly requests: number
  readonly answers: number
  /** Requests in one sequence. */
  readonly longest: number
  readonly listed: number
}

export const check = Effect.fnUntraced(function* <R, E>(
  options: Options<R, E>
): Effect.fn.Return<Figures, E | Differs> {
  const { differences } = options
  const both = (sequence: ReadonlyArray<R>) =>
    Effect.map(Effect.all([options.pretended(sequence), options.real(sequence)]), ([pretended, real]) =>
      pairs(pretended, real)
    )
  let requests = 0
  let answers = 0
  let longest = 0
  for (let n = 0; n < options.sequences; n++) {
    const seed = options.seed * 1_000_003 + n
    const sequence = options.draw(Draw.make(seed))
    const told = yield* both(sequence)
    if (!told.every((pair) => isSame(pair, differences))) {
      const differing = (part: ReadonlyArray<R>) =>
        Effect.map(both(part), (again) => !again.every((pair) => isSame(pair, differences)))
      const shortest = yield* both(yield* shrink(sequence, differing))
      const which = `seed ${options.seed}, sequence ${n}`
      const isRepeated = !shortest.every((pair) => isSame(pair, differences))
      // What came once and by chance is told as it came: asked again, there is nothing to be seen of it.
      return yield* new Differs({
        message: isRepeated
          ? story(`${which}, the shortest sequence that shows it`, shortest, differences)
          : story(`${which}, the same requests did not show it again`, told, differences)
      })
    }
    requests += sequence.length
    answers += told.length
    longest = Math.max(longest, sequence.length)
  }
  const listed = [...differences, ...options.apart]
  for (const difference of listed) {
    const told = yield* both(difference.shownBy)
    const others = differences.filter((d) => d !== difference)
    if (told.every((pair) => isSame(pair, others))) {
      return yield* new Differs({ message: `listed as a difference, and there is none: ${difference.what}` })
    }
    const all = [...others, difference]
    if (!told.every((pair) => isSame(pair, all))) {
      return yield* new Differs({ message: story(difference.what, told, all) })
    }
  }
  return {
    sequences: options.sequences,
    requests,
    answers,
    longest,
    listed: listed.length
  }
})
