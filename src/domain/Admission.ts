/**
 * What the API server says of our custom resources at admission.
 * Rule: the same verdicts as the CRDs, from the same Schemas.
 */
import { Result } from "effect"
import * as Kinds from "./crd/Kinds.ts"
import { type Problem, problems } from "./crd/Problems.ts"
import type { Shape } from "./crd/Shape.ts"
import { stored as asStored } from "./crd/Stored.ts"
import type { Raw } from "./Object.ts"

type Field = "spec" | "status"

const valueOf = (shape: Shape, object: Raw | undefined, field: Field): unknown =>
  asStored(shape, object?.[field] ?? shape.default)

/** What is wrong with an object, in the API server's words; empty for kinds that are not ours. */
export const problemsOf = (kind: string, object: Raw, stored?: Raw): ReadonlyArray<Problem> => {
  const known = Kinds.find(kind)
  if (known === undefined) return []
  const ofField = (field: Field): ReadonlyArray<Problem> => {
    const value = valueOf(known[field], object, field)
    return value === undefined
      ? []
      : problems(known[field], value, valueOf(known[field], stored, field), field)
  }
  // Status is written through its subresource only: on creation it is dropped unread.
  return [...ofField("spec"), ...(stored === undefined ? [] : ofField("status"))]
}

const admitted = (kind: Kinds.Kind, object: Raw, isNew: boolean): Raw => {
  const { apiVersion, metadata } = object
  const spec = valueOf(kind.spec, object, "spec")
  const status = isNew ? undefined : valueOf(kind.status, object, "status")
  return {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(object.kind === undefined ? {} : { kind: object.kind }),
    metadata,
    ...(spec === undefined ? {} : { spec }),
    ...(status === undefined ? {} : { status })
  }
}

/**
 * The object as it would be stored, or in one line why it is refused, each reason after the name of its field.
 * Kinds that are not ours pass as they are.
 *
 * @param stored the object before an update; absent on creation
 */
export const admit = (kind: string, object: Raw, stored?: Raw): Result.Result<Raw, string> => {
  const known = Kinds.find(kind)
  if (known === undefined) return Result.succeed(object)
  const found = problemsOf(kind, object, stored)
  return found.length === 0
    ? Result.succeed(admitted(known, object, stored === undefined))
    : Result.fail(found.map((p) => `${p.path}: ${p.message}`).join("; "))
}
