/**
 * Where the pretended API server answers otherwise than the real one, on purpose.
 * Rule: each has its reason and a sequence that shows it; one that is no difference any more is taken out.
 */
import { isFields } from "../../../src/domain/Object.ts"
import type { Difference, Line } from "./Conformance.ts"
import * as Objects from "./KubernetesObjects.ts"
import type { Fields, Kind, Request } from "./KubernetesRequest.ts"

/** An answer with every object in it changed: the one of an event, those of a page, or the answer itself. */
const eachObject = (answer: unknown, change: (object: Fields) => Fields): unknown => {
  if (!isFields(answer)) return answer
  if (Array.isArray(answer.items)) return { ...answer, items: answer.items.map(change) }
  if (isFields(answer.object)) return { ...answer, object: change(answer.object) }
  return isFields(answer.metadata) ? change(answer) : answer
}

const omitted = (fields: unknown, names: ReadonlyArray<string>): Fields =>
  Object.fromEntries(Object.entries(isFields(fields) ? fields : {}).filter(([name]) => !names.includes(name)))

const ofKind =
  (kind: string, change: (object: Fields) => Fields) =>
  ({ about, answer }: Line): unknown =>
    about === kind ? eachObject(answer, change) : answer

/** A member without some of its own, and none when nothing is left of it. */
const without = (object: Fields, member: string, names: ReadonlyArray<string>): Fields => {
  const rest = omitted(object[member], names)
  return { ...omitted(object, [member]), ...(Object.keys(rest).length === 0 ? {} : { [member]: rest }) }
}

const made = (kind: Kind): Request => ({
  verb: "create",
  kind,
  name: "a",
  object: Objects.minimal(kind, "a")
})

export const differences: ReadonlyArray<Difference<Request>> = [
  {
    what: "a Node's status.daemonEndpoints and status.nodeInfo, written though they are empty",
    because: "Go writes structs that are not behind a pointer; nothing here reads them",
    shownBy: [made("Node")],
    without: ofKind("Node", (node) => without(node, "status", ["daemonEndpoints", "nodeInfo"]))
  },
  {
    what: "an Event's deprecated members, written though they are empty",
    because: "as above",
    shownBy: [made("Event")],
    without: ofKind("Event", (event) =>
      omitted(event, ["deprecatedSource", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"])
    )
  },
  {
    what: "the defaults of a Pod: its containers, policies, tolerations and quality of service",
    because: "they are kubelet's and scheduler's; of a Pod's spec only nodeName is read here",
    shownBy: [made("Pod")],
    without: ofKind("Pod", (pod) => ({
      ...without(pod, "status", ["qosClass"]),
      spec: { nodeName: isFields(pod.spec) ? pod.spec.nodeName : undefined }
    }))
  }
]

/** The answer, but for the members at a path. */
const notComparing =
  (...path: ReadonlyArray<string>) =>
  ({ answer }: Line): unknown => {
    const drop = (value: unknown, [name, ...rest]: ReadonlyArray<string>): unknown =>
      !isFields(value) || name === undefined
        ? value
        : rest.length === 0
          ? omitted(value, [name])
          : { ...value, [name]: drop(value[name], rest) }
    return drop(answer, path)
  }

const dying = { deletionTimestamp: "2020-01-01T00:00:00Z" }

export const apart: ReadonlyArray<Difference<Request>> = [
  {
    what: "a new Node without the taint node.kubernetes.io/not-ready is given it by admission",
    because:
      "no controller takes it away here; scenarios whose nodes start as kubelets do write it themselves",
    shownBy: [{ verb: "create", kind: "Node", name: "a", object: { metadata: {} } }],
    without: notComparing("spec", "taints")
  },
  {
    what: "a new Pod keeps the status it is sent with",
    because: "scenarios bind and run their pods in the step that makes them; the operator makes none",
    shownBy: [
      {
        verb: "create",
        kind: "Pod",
        name: "a",
        object: {
          metadata: {},
          spec: { containers: [{ name: "c", image: "i" }] },
          status: { phase: "Running" }
        }
      }
    ],
    without: notComparing("status", "phase")
  },
  {
    what: "an Event that a PUT makes, and that says it is being deleted, is not",
    because: "the real one lets it be born dying, which can be of no use to anybody",
    shownBy: [
      {
        verb: "update",
        kind: "Event",
        name: "a",
        change: { metadata: dying },
        version: "absent",
        uid: "absent"
      }
    ],
    without: notComparing("metadata", "deletionTimestamp")
  },
  {
    what: "a write that says again that an object is being deleted, at another time, changes nothing",
    because: "the real one remembers in managedFields alone who said so, and makes a version of that",
    shownBy: [
      {
        verb: "create",
        kind: "ExternalIP",
        name: "a",
        object: { metadata: { finalizers: ["example.com/one"] } }
      },
      { verb: "delete", kind: "ExternalIP", name: "a" },
      { verb: "get", kind: "ExternalIP", name: "a" },
      {
        verb: "patch",
        kind: "ExternalIP",
        name: "a",
        patch: { metadata: dying },
        version: "absent",
        uid: "absent"
      }
    ],
    without: notComparing("metadata", "resourceVersion")
  }
]
