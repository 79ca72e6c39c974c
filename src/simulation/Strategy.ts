/**
 * How the API server treats each resource: what a client may leave out, and which parts are kept apart.
 * Rule: a table; what is not in it is treated as the least.
 * Source: the strategy of each resource in kubernetes pkg/registry; that of custom resources in apiextensions-apiserver.
 */
import {
  events,
  externalIPs,
  firewallRules,
  leases,
  nodes,
  pods,
  type Resource
} from "../kubernetes/Kubernetes.ts"

export interface Strategy {
  /** Custom resources must say their apiVersion and kind, and their status subresource leaves metadata alone. */
  readonly isCustom: boolean
  /** Finalizers must be qualified names. */
  readonly isCore: boolean
  readonly hasStatus: boolean
  /** A deletion is a change first, with the time at which it may take effect; then the object goes. */
  readonly isDeletedGracefully: boolean
  /** metadata.generation counts the changes of the spec. */
  readonly hasGeneration: boolean
  /** PUT without metadata.resourceVersion replaces whatever is there (AllowUnconditionalUpdate). */
  readonly mayUpdateBlindly: boolean
  /** PUT of what is not there creates it (AllowCreateOnUpdate). */
  readonly mayCreateByUpdate: boolean
}

const least: Strategy = {
  isCustom: false,
  isCore: true,
  hasStatus: false,
  isDeletedGracefully: false,
  hasGeneration: false,
  mayUpdateBlindly: true,
  mayCreateByUpdate: false
}
const custom: Strategy = {
  ...least,
  isCustom: true,
  isCore: false,
  hasStatus: true,
  hasGeneration: true,
  mayUpdateBlindly: false
}

const strategies: ReadonlyMap<Resource, Strategy> = new Map([
  [externalIPs, custom],
  [firewallRules, custom],
  [nodes, { ...least, hasStatus: true }],
  [pods, { ...least, hasStatus: true, isDeletedGracefully: true, hasGeneration: true }],
  [leases, { ...least, isCore: false, mayUpdateBlindly: false, mayCreateByUpdate: true }],
  [events, { ...least, mayCreateByUpdate: true }]
])

export const of = (resource: Resource): Strategy => strategies.get(resource) ?? least
