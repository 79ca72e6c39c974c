/**
 * Updates, and what the API server says of each: what is as it was is not judged again.
 * Rule: one table for the verdicts computed here and for a real server, as with new objects.
 */
import { apiVersion } from "../../src/domain/Names.ts"
import type { Raw } from "../../src/domain/Object.ts"
import { leastRule } from "./AdmissionTable.ts"
import type { Change } from "./Corpus.ts"

type Fields = Readonly<Record<string, unknown>>

export interface Update extends Change {
  /** As it is stored, perhaps under a definition that refused nothing. */
  readonly stored: Raw & { readonly kind: string }
  /** Field to message; empty: let through. */
  readonly causes: ReadonlyArray<readonly [field: string, message: string]>
}

const update = (
  what: string,
  stored: { readonly spec?: Fields; readonly status?: Fields },
  change: { readonly spec?: Fields; readonly status?: Fields },
  ...causes: ReadonlyArray<readonly [string, string]>
): Update => ({
  what,
  stored: {
    apiVersion,
    kind: "FirewallRule",
    metadata: { name: what.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-") },
    spec: { ...leastRule, ...stored.spec },
    ...(stored.status === undefined ? {} : { status: stored.status })
  },
  patch: { ...change },
  ...(change.status === undefined ? {} : { subresource: "status" }),
  causes
})

const range = (cidr: string) => ({ cidr, description: "" })
const port = "Invalid value: must be a port from 0 to 65535"
const protocol = "must be tcp, udp, icmp, icmpv6, a protocol number from 0 to 255, or -1 for all"
const cidr = "must be an IPv4 CIDR such as 10.0.0.0/8"
const condition = (type: string, o: Fields = {}) => ({
  type,
  status: "True",
  reason: type,
  message: "m",
  lastTransitionTime: "2026-01-01T00:00:00Z",
  ...o
})

export const updates: ReadonlyArray<Update> = [
  update("a good rule changed for another", {}, { spec: { fromPort: 443 } }),
  update("a good rule changed for a bad one", {}, { spec: { fromPort: 70000 } }, ["spec.fromPort", port]),
  update("a bad rule put right", { spec: { fromPort: 70000 } }, { spec: { fromPort: 443 } }),
  update("a bad rule changed for another", { spec: { fromPort: 70000 } }, { spec: { fromPort: 70001 } }, [
    "spec.fromPort",
    port
  ]),
  update(
    "a bad field beside one that changes",
    { spec: { protocol: "bogus" } },
    { spec: { nodeName: "n2" } }
  ),
  update("a bad field changed for another", { spec: { protocol: "bogus" } }, { spec: { protocol: "esp" } }, [
    "spec.protocol",
    `Invalid value: "esp": ${protocol}`
  ]),
  // A rule about several fields is a rule about the spec: whatever changes in it, all of it is judged.
  update(
    "ports that do not fit beside a field that changes",
    { spec: { fromPort: 70000 } },
    { spec: { nodeName: "n2" } },
    ["spec.fromPort", port]
  ),
  update(
    "bad ranges beside a field that changes",
    { spec: { ipRanges: [range("::/0")] } },
    { spec: { fromPort: 443 } }
  ),
  // Items of a list that is no map cannot be told apart.
  update(
    "a bad range beside one that is added",
    { spec: { ipRanges: [range("::/0")] } },
    {
      spec: { ipRanges: [range("::/0"), range("10.0.0.0/8")] }
    },
    ["spec.ipRanges[0].cidr", `Invalid value: "::/0": ${cidr}`]
  ),
  update(
    "a state that is none beside a status that changes",
    { status: { state: "Associated" } },
    {
      status: { nodeName: "n1" }
    }
  ),
  update("a state that is none", { status: { state: "Applied" } }, { status: { state: "Associated" } }, [
    "status.state",
    'Unsupported value: "Associated": supported values: "Pending", "Applied"'
  ]),
  update("a time that is none", {}, { status: { lastTransitionTime: "yesterday" } }, [
    "status.lastTransitionTime",
    'Invalid value: "yesterday": lastTransitionTime in body must be of type date-time: "yesterday"'
  ]),
  update("a condition twice", {}, { status: { conditions: [condition("Ready"), condition("Ready")] } }, [
    "status.conditions[1]",
    'Duplicate value: {"type":"Ready"}'
  ]),
  update(
    "a condition without a message",
    {},
    {
      status: { conditions: [condition("Ready", { message: undefined })] }
    },
    ["status.conditions[0].message", "Required value"]
  ),
  update(
    "a bad condition beside one that is added",
    {
      status: { conditions: [condition("Ready", { status: "Perhaps" })] }
    },
    { status: { conditions: [condition("IPCreated"), condition("Ready", { status: "Perhaps" })] } }
  )
]
