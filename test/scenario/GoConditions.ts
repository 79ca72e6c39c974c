/**
 * Conditions and statuses as the Go implementation 0.14 leaves them.
 * Rule: the reason of one that holds is its type.
 */

/** When everything of its making was written. */
export const leftAt = "2024-01-01T00:00:00Z"

/** Each of these types, True. */
export const held = (...types: ReadonlyArray<string>) =>
  types.map((type) => ({
    type,
    status: "True",
    reason: type,
    message: "as it should be",
    observedGeneration: 1,
    lastTransitionTime: leftAt
  }))

/** The status of a FirewallRule that is held open; `spec` is what it last opened. */
export const appliedStatus = (
  at: { readonly groupId: string; readonly instanceId: string; readonly networkInterfaceId: string },
  spec: unknown
) => ({
  state: "Applied",
  firewallRuleID: at.groupId,
  instanceID: at.instanceId,
  networkInterfaceID: at.networkInterfaceId,
  lastTransitionTime: leftAt,
  lastApplied: JSON.stringify(spec),
  conditions: held("SecurityGroupCreated", "NetworkInterfaceAssociated", "SecurityGroupRuleAuthorized")
})
