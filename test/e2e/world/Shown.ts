/**
 * What objects show to a person with kubectl: rows of `get`, conditions by `wait`, events by `describe`.
 * Rule: read from what kubectl prints, never from the API beside it.
 */
import { Effect } from "effect"
import { eventually, missing, there } from "./Eventually.ts"
import type { World } from "./World.ts"

type Of = World["Service"]

/** `kind/name`. */
export type Name = `${"externalip" | "firewallrule" | "node"}/${string}`

/** As a user waits. `what` as in `kubectl wait --for`. */
export const wait = ({ kubectl }: Of, object: Name, what: string) =>
  kubectl.ok(["wait", object, `--for=${what}`, "--timeout=60s"])

/** Ready gives this reason. */
export const says = (world: Of, object: Name, reason: string) =>
  wait(world, object, `jsonpath={.status.conditions[?(@.type=="Ready")].reason}=${reason}`)

/** The cells of one row of a table, by the words of its head; an empty cell is "". */
export const cellsOf = (table: string, name: string): Readonly<Record<string, string>> | undefined => {
  const [head = "", ...rows] = table.split("\n")
  const row = rows.find((line) => line.split(" ")[0] === name)
  if (row === undefined) return undefined
  // kubectl pads each column to its widest cell and three blanks more.
  const columns = [...head.matchAll(/\S+(?: \S+)*/g)]
  return Object.fromEntries(
    columns.map((column, n) => [column[0], row.slice(column.index, columns[n + 1]?.index).trim()])
  )
}

/** The row of an object, once it looks like that; columns that are not named may hold anything. */
export const row = (world: Of, object: Name, cells: Readonly<Record<string, string>>) => {
  const [kind = "", name = ""] = object.split("/")
  return eventually(
    `the row of ${object}`,
    Effect.map(world.kubectl.ok(["get", kind]), (table) => {
      const seen = cellsOf(table, name)
      const isSo = Object.entries(cells).every(([column, cell]) => seen?.[column] === cell)
      return seen !== undefined && isSo ? there(seen) : missing(table)
    })
  )
}

/** `kubectl describe`, once it shows an event of that type and reason. */
export const tells = ({ kubectl }: Of, object: Name, type: "Normal" | "Warning", reason: string) =>
  eventually(
    `${object} shows the event ${reason}`,
    Effect.map(kubectl.ok(["describe", object]), (text) =>
      new RegExp(`^ +${type} +${reason} .*kubestatic`, "m").test(text) ? there(text) : missing(text)
    )
  )

/** Of an object that is gone its events stay for an hour; nothing is left to describe. */
export const told = ({ kubectl }: Of, name: string, type: "Normal" | "Warning", reason: string) =>
  eventually(
    `${name} left the event ${reason}`,
    Effect.map(
      kubectl.ok(["get", "events", "-n", "default", "--field-selector", `reason=${reason},type=${type}`]),
      (table) => (table.includes(`/${name} `) ? there(table) : missing(table))
    )
  )
