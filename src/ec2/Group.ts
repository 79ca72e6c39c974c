/**
 * A security group as the operator thinks of it: its rules one by one.
 * Rule: the order of rules and tags says nothing.
 */
import type { Tags } from "../domain/Names.ts"
import * as Permission from "../domain/Permission.ts"
import type { SecurityGroup } from "./Ec2.ts"

/** A security group with its rules expanded, one per source, both directions together. */
export interface Group {
  readonly groupId: string
  readonly name: string
  readonly vpcId: string
  readonly tags: Tags
  readonly permissions: ReadonlyArray<Permission.Permission>
}

export const fromEc2 = ({ egress, groupId, ingress, name, tags, vpcId }: SecurityGroup): Group => ({
  groupId,
  name,
  vpcId,
  tags,
  permissions: [...Permission.expand("Ingress", ingress), ...Permission.expand("Egress", egress)]
})

export const isSameTags = (a: Tags, b: Tags): boolean => {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}

/** What a deletion of unknown outcome can have changed: whether the group is there, and nothing of it. */
export const unlessDeleted = (believed: Group): Group => believed

/** What CreateTags of unknown outcome can have changed. */
export const withTagsOf = (believed: Group, { tags }: Group): Group => ({ ...believed, tags })

/** What opening or closing these, with an unknown outcome, can have changed. */
export const withRulesOf = (touched: ReadonlyArray<Permission.Permission>) => {
  const keys = new Set(touched.map(Permission.key))
  const isTouched = (p: Permission.Permission): boolean => keys.has(Permission.key(p))
  return (believed: Group, read: Group): Group => ({
    ...believed,
    permissions: [...believed.permissions.filter((p) => !isTouched(p)), ...read.permissions.filter(isTouched)]
  })
}

const described = (p: Permission.Permission): string => `${Permission.key(p)}|${p.description}`

/** The name cannot change. */
export const isSame = (a: Group, b: Group): boolean => {
  if (a.vpcId !== b.vpcId || a.permissions.length !== b.permissions.length) return false
  if (!isSameTags(a.tags, b.tags)) return false
  const left = new Set(a.permissions.map(described))
  return b.permissions.every((p) => left.has(described(p)))
}
