/**
 * What happened in both worlds, step by step, for a person to read.
 * Rule: one line per call that left the operator, per change that a world made of it, and per thing that others did;
 * each with its time.
 */
import { Tag } from "../../src/domain/Names.ts"
import type { Raw } from "../../src/domain/Object.ts"
import type { Life } from "../../src/simulation/faults/Host.ts"
import type { Outcome } from "../../src/simulation/faults/Outcome.ts"
import type { Point } from "./Run.ts"
import type { World } from "./World.ts"

export interface Story {
  readonly lines: ReadonlyArray<string>
  readonly tell: (what: string) => void
  readonly call: (life: Life, point: Point, request: unknown, outcome: Outcome | undefined) => void
}

export const silent: Story = { lines: [], tell: () => undefined, call: () => undefined }

type Fields = Readonly<Record<string, unknown>>

const longest = 160
const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest)} ...` : text)

const sayObject = (type: string, kind: string, object: Raw): string => {
  const status = (object.status ?? {}) as Fields
  const conditions = (status.conditions ?? []) as ReadonlyArray<Fields>
  const ready = conditions.find((c) => c.type === "Ready")
  const parts = [
    object.metadata.deletionTimestamp === undefined ? "" : "being deleted",
    Array.isArray(object.metadata.finalizers) && object.metadata.finalizers.length > 0 ? "finalizer" : "",
    status.state === undefined ? "" : `state ${String(status.state)}`,
    ready === undefined ? "" : `Ready=${String(ready.status)}/${String(ready.reason)}`
  ].filter((part) => part !== "")
  return `${type} ${kind} ${String(object.metadata.name)}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`
}

export const make = (world: World): Story => {
  const lines: Array<string> = []
  const began = world.machine.now()
  const say = (mark: string, what: string): void => {
    const at = ((world.machine.now() - began) / 1000).toFixed(3).padStart(10)
    lines.push(`${at} s  ${mark}${cut(what)}`)
  }
  const place = (instanceId: string | undefined): string => {
    for (const node of world.cluster.all({
      group: "",
      version: "v1",
      plural: "nodes",
      kind: "Node",
      isNamespaced: false
    })) {
      const spec = (node.spec ?? {}) as Fields
      if (instanceId !== undefined && String(spec.providerID).endsWith(instanceId))
        return `node ${String(node.metadata.name)}`
    }
    return instanceId ?? "nothing"
  }
  world.cluster.onChange(({ object, resource, type }) => {
    if (resource.kind !== "Event" && resource.kind !== "Lease")
      say("    cluster  ", sayObject(type.toLowerCase(), resource.kind, object))
  })
  world.ec2.onEntry(({ action, by, outcome, request }) => {
    if (action.startsWith("Describe")) return
    const who = by === "hand" ? "others: " : ""
    const { allocationId, associationId } = (request ?? {}) as Fields
    const address = world.ec2
      .addresses()
      .find(
        (a) =>
          a.allocationId === allocationId ||
          (associationId !== undefined && a.association?.associationId === associationId)
      )
    const on =
      address === undefined
        ? ""
        : ` (${address.publicIp} of ${address.tags[Tag.externalIPName] ?? "somebody"} on ${place(address.association?.instanceId)})`
    say("    EC2      ", `${who}${action}: ${outcome}${on}`)
  })
  return {
    lines,
    tell: (what) => say("", what),
    call: (life, { n, name, sort }, request, outcome) => {
      const what = sort === "event" ? String((request as Raw).metadata.name) : (JSON.stringify(request) ?? "")
      const sign = sort === "event" ? "<-" : "->"
      say(
        "  ",
        `operator ${life.number} ${sign} #${n} ${name}${outcome === undefined ? "" : `   *** ${outcome} ***`}  ${what}`
      )
    }
  }
}
