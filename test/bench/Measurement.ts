/**
 * One figure of a bench, and what it is to be.
 * Rule: a figure is judged here and nowhere else; what another machine would change is marked, and does not decide
 * the exit code.
 */
export type Target =
  | { readonly _tag: "AtMost"; readonly bound: number }
  | { readonly _tag: "AtLeast"; readonly bound: number }
  | { readonly _tag: "Exactly"; readonly bound: number }

export interface Measurement {
  readonly metric: string
  /** "" for a ratio or a count. */
  readonly unit: string
  readonly value: number
  /** Absent: told for what it is worth. */
  readonly target?: Target
  /** Wall-clock time, processor time, resident memory: another machine gives another figure. */
  readonly isOfMachine?: boolean
}

export interface Bench {
  readonly name: string
  /** What it measures, in one line. */
  readonly summary: string
  /** `say` tells people how far it is. */
  readonly run: (say: (line: string) => void) => Promise<ReadonlyArray<Measurement>>
}

export const atMost = (bound: number): Target => ({ _tag: "AtMost", bound })
export const atLeast = (bound: number): Target => ({ _tag: "AtLeast", bound })
export const exactly = (bound: number): Target => ({ _tag: "Exactly", bound })

/** Undefined where nothing was promised. A figure that is no number keeps no promise. */
export const isMet = ({ target, value }: Measurement): boolean | undefined => {
  if (target === undefined) return undefined
  switch (target._tag) {
    case "AtMost":
      return value <= target.bound
    case "AtLeast":
      return value >= target.bound
    case "Exactly":
      return value === target.bound
  }
}

const signs: Readonly<Record<Target["_tag"], string>> = { AtMost: "<=", AtLeast: ">=", Exactly: "=" }

/** Four digits that count; whole numbers whole. */
export const figure = (value: number): string =>
  Number.isInteger(value) || !Number.isFinite(value) ? String(value) : String(Number(value.toPrecision(4)))

export const targetText = (target: Target | undefined): string =>
  target === undefined ? "" : `${signs[target._tag]} ${figure(target.bound)}`

/** The value at a part of the sorted values, as the nearest rank; NaN of none. */
export const quantile = (values: ReadonlyArray<number>, part: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * part) - 1)] ?? Number.NaN
