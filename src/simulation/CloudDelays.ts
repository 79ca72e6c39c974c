/**
 * How long the things take that a cloud, its kubelets and its controllers do by themselves.
 * Rule: every wait of the pretended cloud is drawn from one of these spans, in milliseconds.
 */
import { exactly, never, type Span } from "./Draw.ts"

export interface Delays {
  /** RunInstances to running. */
  readonly boot: Span
  /** Running to the Node object. */
  readonly registration: Span
  /** The Node object to providerID, where the cloud controller writes it and not the kubelet. */
  readonly initialization: Span
  /** The Node object to Ready. */
  readonly readiness: Span
  /** One pod's eviction; pods of a node go one after the other. */
  readonly eviction: Span
  /** Shutting down to terminated. */
  readonly termination: Span
  /** A terminated instance to the deletion of its Node by the cloud controller. */
  readonly nodeDeletion: Span
  /** A deleted Node to the deletion of the pods that were still bound to it. */
  readonly podCollection: Span
  /** From a spot interruption notice to the end ("two minutes before"). */
  readonly spotNotice: Span
}

/** About what is seen on EKS. */
export const usual: Delays = {
  boot: { min: 2_000, max: 8_000 },
  registration: { min: 12_000, max: 35_000 },
  initialization: { min: 500, max: 3_000 },
  readiness: { min: 3_000, max: 12_000 },
  eviction: { min: 500, max: 5_000 },
  termination: { min: 15_000, max: 60_000 },
  nodeDeletion: { min: 2_000, max: 40_000 },
  podCollection: { min: 5_000, max: 40_000 },
  spotNotice: exactly(120_000)
}

/** Everything happens at once, one thing after the other. */
export const none: Delays = {
  boot: never,
  registration: never,
  initialization: never,
  readiness: never,
  eviction: never,
  termination: never,
  nodeDeletion: never,
  podCollection: never,
  spotNotice: never
}
