/**
 * What EC2 knows of the resources in an account at one moment, as far as policies can ask for it.
 * Rule: a copy; what happens later does not change it.
 */
import type { Tags } from "../../../src/domain/Names.ts"
import type { Ec2World } from "../../../src/simulation/Ec2World.ts"

export interface Address {
  readonly allocationId: string
  readonly tags: Tags
  readonly associationId?: string
  /** Where it is attached. */
  readonly networkInterfaceId?: string
}

export interface Group {
  readonly groupId: string
  readonly vpcId: string
  readonly tags: Tags
}

export interface NetworkInterface {
  readonly networkInterfaceId: string
  readonly vpcId: string
  readonly tags: Tags
}

export interface Account {
  readonly addresses: ReadonlyArray<Address>
  readonly groups: ReadonlyArray<Group>
  readonly interfaces: ReadonlyArray<NetworkInterface>
}

export const of = (ec2: Ec2World["Service"]): Account => ({
  addresses: ec2.addresses().map(({ allocationId, association, tags }) => ({
    allocationId,
    tags,
    ...(association === undefined
      ? {}
      : { associationId: association.associationId, networkInterfaceId: association.networkInterfaceId })
  })),
  groups: ec2.groups().map(({ groupId, tags, vpcId }) => ({ groupId, vpcId, tags })),
  interfaces: ec2.interfaces().map(({ networkInterfaceId, vpcId }) => ({
    networkInterfaceId,
    vpcId,
    tags: {}
  }))
})
