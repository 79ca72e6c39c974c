/**
 * Objects of the user's own for a simulation, from YAML files.
 * Rule: all files are read and judged before anything happens; what is wrong is said with file, line and field.
 */
import { readFileSync } from "node:fs"
import { Effect, Result } from "effect"
import { type Alias, type Document, LineCounter, parseAllDocuments, visit } from "yaml"
import { admit } from "../../domain/Admission.ts"
import { apiVersion } from "../../domain/Names.ts"
import type { Raw } from "../../domain/Object.ts"
import * as Pod from "../../domain/Pod.ts"
import { externalIPs, firewallRules, nodes, pods, type Resource } from "../../kubernetes/Kubernetes.ts"
import { ApiServer } from "../../simulation/ApiServer.ts"
import { OptionsError } from "../OptionsError.ts"
import type { Scenario } from "./Scenario.ts"

export interface Given {
  readonly resource: Resource
  readonly object: Raw
  /** file:line of its name. */
  readonly at: string
}

const kinds: ReadonlyMap<string, { readonly apiVersion: string; readonly resource: Resource }> = new Map([
  ["ExternalIP", { apiVersion, resource: externalIPs }],
  ["FirewallRule", { apiVersion, resource: firewallRules }],
  ["Node", { apiVersion: "v1", resource: nodes }],
  ["Pod", { apiVersion: "v1", resource: pods }]
])

/** `spec.ipRanges[0].cidr` -> `["spec", "ipRanges", 0, "cidr"]`. */
const keysOf = (path: string): ReadonlyArray<string | number> =>
  path
    .split(/[.[\]]+/)
    .filter((k) => k !== "")
    .map((k) => (/^\d+$/.test(k) ? Number(k) : k))

const describe = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split("\n")[0] ?? ""

const usualNamespace = "default"
const namespaceOf = ({ metadata }: Raw): string => String(metadata.namespace ?? usualNamespace)

/** What an API server says that has nothing else. */
const refusal = (resource: Resource, object: Raw): string | undefined => {
  const server = new ApiServer({ admit, seed: "", now: () => 0 })
  const answer = server.create(resource, object, resource.isNamespaced ? namespaceOf(object) : undefined)
  return Result.isFailure(answer) ? answer.failure.message : undefined
}

/** Of what that API server takes as it is, and the operator reads. */
const podComplaint = (object: Raw): string | undefined => {
  for (const part of ["spec", "status"]) {
    try {
      Pod.decode({ metadata: object.metadata, [part]: object[part] })
    } catch (cause) {
      const [, field] = /at \["(.+)"\]/.exec(String(cause)) ?? []
      return `${field === undefined ? part : `${part}.${field}`}: ${describe(cause)}`
    }
  }
  return undefined
}

/** What is wrong with an object, as `field: why`; undefined when it will do. */
const complaint = (kind: string, raw: unknown): string | undefined => {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return "kind: an object is needed"
  const known = kinds.get(kind)
  if (known === undefined) return `kind: takes ${[...kinds.keys()].join(", ")}, not ${JSON.stringify(kind)}`
  const object = raw as Raw
  if (object.apiVersion !== known.apiVersion) {
    return `apiVersion: takes ${known.apiVersion} for ${kind}, not ${JSON.stringify(object.apiVersion)}`
  }
  const name = object.metadata?.name
  if (typeof name !== "string" || !/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name)) {
    return "metadata.name: takes a name of lower-case letters, digits, - and ."
  }
  const refused = refusal(known.resource, object)
  if (refused !== undefined) return refused
  return kind === "Pod" ? podComplaint(object) : undefined
}

const lineAt = (lines: LineCounter, node: unknown): number | undefined => {
  const offset = (node as { readonly range?: readonly [number, number, number] } | null | undefined)
    ?.range?.[0]
  return offset === undefined ? undefined : lines.linePos(offset).line
}

/** The line of the field that a complaint begins with, or of its nearest parent that is there. */
const lineOf = (document: Document, lines: LineCounter, said: string): number => {
  const [, path = ""] = /^([A-Za-z][^:\s]*):/.exec(said) ?? []
  const keys = keysOf(path)
  for (let depth = keys.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(keys.slice(0, depth), true)
    const line = lineAt(lines, node)
    if (line !== undefined) return line
  }
  return 1
}

/** The first alias that stands for nothing, or for what it stands in itself. */
const brokenAlias = (document: Document): Alias | undefined => {
  let broken: Alias | undefined
  visit(document, {
    Alias: (_key, alias, path) => {
      const source = alias.resolve(document)
      if (source !== undefined && !path.includes(source)) return undefined
      broken = alias
      return visit.BREAK
    }
  })
  return broken
}

/** What the document says, or why it says nothing: text that parses may have aliases that lead nowhere. */
const valueOf = (document: Document): Result.Result<unknown, string> =>
  Result.try({
    try: () => {
      const value: unknown = document.toJS()
      // What holds itself is no JSON, and so no object of Kubernetes.
      JSON.stringify(value)
      return value
    },
    catch: describe
  })

export const parse = (file: string, text: string): Result.Result<ReadonlyArray<Given>, OptionsError> => {
  const lines = new LineCounter()
  const given: Array<Given> = []
  const refuse = (line: number, why: string) =>
    Result.fail(new OptionsError({ message: `${file}:${line}: ${why}` }))
  for (const document of parseAllDocuments(text, { lineCounter: lines })) {
    const [error] = document.errors
    if (error !== undefined) {
      return refuse(error.linePos?.[0].line ?? 1, `not YAML: ${error.message.split("\n")[0]}`)
    }
    const value = valueOf(document)
    if (Result.isFailure(value)) {
      const line = lineAt(lines, brokenAlias(document)) ?? lineOf(document, lines, "")
      return refuse(line, `not YAML: ${value.failure}`)
    }
    const raw = value.success
    if (raw === null || raw === undefined) continue
    const kind = String((raw as { readonly kind?: unknown }).kind ?? "")
    const wrong = complaint(kind, raw)
    if (wrong !== undefined) return refuse(lineOf(document, lines, wrong), wrong)
    const known = kinds.get(kind)
    if (known === undefined) continue
    const at = `${file}:${lineOf(document, lines, "metadata.name:")}`
    given.push({ resource: known.resource, object: raw as Raw, at })
  }
  return Result.succeed(given)
}

const identityOf = ({ kind, isNamespaced }: Resource, name: unknown, namespace: string): string =>
  `${kind} ${isNamespaced ? `${namespace}/` : ""}${name}`
const identityOfGiven = ({ object, resource }: Given): string =>
  identityOf(resource, object.metadata.name, namespaceOf(object))

const refuseTwice = (all: ReadonlyArray<Given>): Result.Result<ReadonlyArray<Given>, OptionsError> => {
  const first = new Map<string, Given>()
  for (const given of all) {
    const identity = identityOfGiven(given)
    const other = first.get(identity)
    if (other !== undefined) {
      const message = `${given.at}: metadata.name: ${identity} is given twice, first at ${other.at}`
      return Result.fail(new OptionsError({ message }))
    }
    first.set(identity, given)
  }
  return Result.succeed(all)
}

/** One of two that create the same object would fail, in the middle of the story perhaps. */
export const refuseMade = (
  all: ReadonlyArray<Given>,
  scenario: Scenario,
  count: number
): Result.Result<ReadonlyArray<Given>, OptionsError> => {
  const made = new Set(scenario.makes(count).map((m) => identityOf(m.resource, m.name, usualNamespace)))
  const taken = all.find((given) => made.has(identityOfGiven(given)))
  if (taken === undefined) return Result.succeed(all)
  const message = `${taken.at}: metadata.name: ${identityOfGiven(taken)} is made by the scenario ${scenario.name} itself`
  return Result.fail(new OptionsError({ message }))
}

/** Nodes first: what names them finds them. */
const order: ReadonlyArray<Resource> = [nodes, pods, externalIPs, firewallRules]

export const read = (files: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Given>, OptionsError> =>
  Effect.forEach(files, (file) =>
    Effect.try({
      try: () => readFileSync(file, "utf8"),
      catch: (cause) => new OptionsError({ message: `-f ${file}: ${describe(cause)}` })
    }).pipe(Effect.flatMap((text) => Effect.fromResult(parse(file, text))))
  ).pipe(
    Effect.flatMap((all) => Effect.fromResult(refuseTwice(all.flat()))),
    Effect.map((all) => all.toSorted((a, b) => order.indexOf(a.resource) - order.indexOf(b.resource)))
  )
