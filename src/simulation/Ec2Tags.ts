/**
 * Tags of the simulated EC2: what a tag may be, setting and removing them, and the filter `tag:<key>`.
 * Rule: a resource has one value per key, and a request that names an unknown resource tags nothing.
 * Source: CreateTags, DeleteTags and "Tag restrictions" of the EC2 user guide.
 */
import { Result } from "effect"
import type { Tags } from "../domain/Names.ts"
import { type Answer, done, type Refusal, refuse } from "./Ec2Refusal.ts"
import { put, type State } from "./Ec2State.ts"
import type { Versioned } from "./Ec2Visibility.ts"

const maxTags = 50
const maxKeyLength = 128
const maxValueLength = 256
const maxResources = 1_000

/** Undefined: `added` may be set on a resource that has `present`. */
export const tagTrouble = (present: Tags, added: Tags): Refusal | undefined => {
  for (const [key, value] of Object.entries(added)) {
    if (key === "" || key.length > maxKeyLength || value.length > maxValueLength) {
      return { code: "InvalidParameterValue", message: `Tag '${key}' is too long or has no key` }
    }
    if (key.toLowerCase().startsWith("aws:")) {
      return { code: "InvalidParameterValue", message: `Tag keys starting with 'aws:' are reserved` }
    }
  }
  return Object.keys({ ...present, ...added }).length > maxTags
    ? { code: "TagLimitExceeded", message: `More than ${maxTags} tags for a resource` }
    : undefined
}

type NextTags = (present: Tags) => Result.Result<Tags, Refusal>
/** Checked and not yet done: all of a request's resources are checked first. */
type Prepared = Answer<() => void>

const prepareIn = <A extends { readonly tags: Tags }>(
  state: State,
  at: number,
  store: Versioned<A>,
  notFound: string,
  id: string,
  next: NextTags
): Prepared => {
  const found = store.named(id, at)
  return found === undefined
    ? refuse(notFound, `The ID '${id}' does not exist`)
    : Result.map(next(found.tags), (tags) => () => put(state, store, id, { ...found, tags }, at))
}

const prepare = (state: State, at: number, id: string, next: NextTags): Prepared => {
  switch (id.slice(0, id.indexOf("-"))) {
    case "eipalloc":
      return prepareIn(state, at, state.addresses, "InvalidAllocationID.NotFound", id, next)
    case "sg":
      return prepareIn(state, at, state.groups, "InvalidGroup.NotFound", id, next)
    case "eni":
      return prepareIn(state, at, state.interfaces, "InvalidNetworkInterfaceID.NotFound", id, next)
    case "i":
      return prepareIn(state, at, state.instances, "InvalidInstanceID.NotFound", id, next)
    default:
      return refuse("InvalidID", `The ID '${id}' is not valid`)
  }
}

const change = (
  state: State,
  at: number,
  resourceIds: ReadonlyArray<string>,
  next: NextTags
): Answer<void> => {
  if (resourceIds.length === 0) return refuse("MissingParameter", "The request must contain ResourceIds")
  if (resourceIds.length > maxResources) {
    return refuse("InvalidParameterValue", `More than ${maxResources} resources in one request`)
  }
  const writes: Array<() => void> = []
  for (const id of new Set(resourceIds)) {
    const prepared = prepare(state, at, id, next)
    if (Result.isFailure(prepared)) return Result.fail(prepared.failure)
    writes.push(prepared.success)
  }
  for (const write of writes) write()
  return done
}

export const create = (
  state: State,
  at: number,
  request: { readonly resourceIds: ReadonlyArray<string>; readonly tags: Tags }
): Answer<void> =>
  change(state, at, request.resourceIds, (present) => {
    const trouble = tagTrouble(present, request.tags)
    return trouble === undefined ? Result.succeed({ ...present, ...request.tags }) : Result.fail(trouble)
  })

export const remove = (
  state: State,
  at: number,
  request: { readonly resourceIds: ReadonlyArray<string>; readonly keys: ReadonlyArray<string> }
): Answer<void> =>
  change(state, at, request.resourceIds, (present) =>
    Result.succeed(Object.fromEntries(Object.entries(present).filter(([key]) => !request.keys.includes(key))))
  )

/** All keys must match, each with any of its values. */
export const matches = (
  tags: Tags,
  wanted: Readonly<Record<string, ReadonlyArray<string>>> | undefined
): boolean =>
  Object.entries(wanted ?? {}).every(([key, values]) => {
    const value = tags[key]
    return value !== undefined && values.includes(value)
  })
