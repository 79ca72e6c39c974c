/**
 * Every metric the operator exposes. Names and labels are API.
 * Rule: a metric is defined here, updated where the thing happens, and read only by the /metrics endpoint.
 */
import { Metric } from "effect"

const seconds = (...boundaries: ReadonlyArray<number>): ReadonlyArray<number> => boundaries

export const reconcileTotal = Metric.counter("kubestatic_reconcile_total", {
  description: "Reconciles by kind of actor and result",
  incremental: true
})
export const reconcileDuration = Metric.histogram("kubestatic_reconcile_duration_seconds", {
  description: "Duration of a reconcile by kind of actor",
  boundaries: seconds(0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120)
})
export const actors = Metric.gauge("kubestatic_actors", { description: "Actors by kind" })
export const mailboxDepth = Metric.gauge("kubestatic_mailbox_depth", {
  description: "Actors by kind with a wake not yet taken"
})
export const ec2Requests = Metric.counter("kubestatic_ec2_requests_total", {
  description: "EC2 requests by operation and code (OK on success)",
  incremental: true
})
export const ec2RequestDuration = Metric.histogram("kubestatic_ec2_request_duration_seconds", {
  description: "Duration of EC2 requests by operation",
  boundaries: seconds(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10)
})
export const ec2GovernorWait = Metric.histogram("kubestatic_ec2_governor_wait_seconds", {
  description: "Time a request waited for its EC2 bucket by operation",
  boundaries: seconds(0.001, 0.01, 0.1, 1, 5, 15, 60, 300)
})
export const addresses = Metric.gauge("kubestatic_addresses", {
  description: "Elastic IPs of this cluster by state: associated, reserved, kept, duplicate"
})
export const firewallRules = Metric.gauge("kubestatic_firewall_rules", {
  description: "FirewallRules by state"
})
export const timeToAttach = Metric.histogram("kubestatic_time_to_attach_seconds", {
  description: "From the first sight of a node that wants an address to the address attached",
  boundaries: seconds(0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600)
})
/** Every value of its label; "leftover" is what an earlier version left open and nobody asks for. */
export const driftKinds = ["address", "group", "interface", "leftover"] as const
export type DriftKind = (typeof driftKinds)[number]
export const driftRepaired = Metric.counter("kubestatic_drift_repaired_total", {
  description: "Changes made by others in EC2 that were put right, by kind",
  incremental: true
})
export const undecodableObjects = Metric.gauge("kubestatic_undecodable_objects", {
  description: "Objects that cannot be decoded by kind"
})
export const lastSweep = Metric.gauge("kubestatic_last_sweep_timestamp_seconds", {
  description: "When the last sweep of EC2 ended, in seconds since the epoch"
})
export const leader = Metric.gauge("kubestatic_leader", {
  description: "1 while this process holds the lease"
})
export const buildInfo = Metric.gauge("kubestatic_build_info", {
  description: "Always 1; the version is a label"
})
