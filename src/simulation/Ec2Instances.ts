/**
 * Instances of the simulated EC2: launched, stopped, started, terminated, or found to exist all along.
 * Rule: an instance that is terminated has no interfaces, and the addresses that were on it stay allocated.
 * Source: "Instance lifecycle" and "Instance IP addressing" of the EC2 user guide.
 */
import { Result } from "effect"
import type { InstanceState } from "../ec2/Ec2.ts"
import { takeOffForGood } from "./Ec2Addresses.ts"
import * as Groups from "./Ec2Groups.ts"
import { derivedId } from "./Ec2Ids.ts"
import { type Answer, done, refuse } from "./Ec2Refusal.ts"
import { type InstanceRecord, interfacesOf, put, type State } from "./Ec2State.ts"

/** "Terminated instances remain visible after termination (for approximately one hour)." */
export const terminatedVisibleMillis = 3_600_000

/** Where instances run when nobody says where. */
export const homeVpc = "vpc-0a1b2c3d4e5f60718"
export const homeZone = "eu-west-1a"

export interface InterfaceSpec {
  /** Whether it gets an auto-assigned public address. */
  readonly isPublic: boolean
  /** The group "default" of the VPC when absent or empty. */
  readonly groupIds?: ReadonlyArray<string>
}

export interface LaunchRequest {
  readonly zone?: string
  readonly vpcId?: string
  readonly hasIpv6?: boolean
  /** By device index; one public interface when absent. */
  readonly interfaces?: ReadonlyArray<InterfaceSpec>
  /** `pending` until `run` says otherwise; `running` when absent. */
  readonly state?: "pending" | "running"
}

export interface Launched {
  readonly instanceId: string
  readonly zone: string
  readonly interfaceIds: ReadonlyArray<string>
  /** As the cloud controller writes it to a Node. */
  readonly providerID: string
}

export const providerID = (zone: string, instanceId: string): string => `aws:///${zone}/${instanceId}`

const onePublic: ReadonlyArray<InterfaceSpec> = [{ isPublic: true }]

const add = (
  state: State,
  at: number,
  request: LaunchRequest,
  instanceId: string,
  idOfInterface: (deviceIndex: number) => string,
  publicAddressFrom: string | undefined
): Launched => {
  const { zone = homeZone, vpcId = homeVpc, hasIpv6 = false, interfaces = onePublic } = request
  Groups.ensureVpc(state, at, { vpcId, hasIpv6 })
  const group = Groups.defaultGroup(state, vpcId)
  const interfaceIds = interfaces.map((spec, deviceIndex) => {
    const networkInterfaceId = idOfInterface(deviceIndex)
    const asked = spec.groupIds ?? []
    const groupIds = asked.length > 0 ? asked : group === undefined ? [] : [group]
    const publicIp = spec.isPublic
      ? ({ kind: "auto-assigned", address: state.publicAddresses.take(publicAddressFrom) } as const)
      : undefined
    const attachment = { instanceId, deviceIndex }
    const record = { networkInterfaceId, vpcId, tags: {}, attachment, groupIds, publicIp }
    put(state, state.interfaces, networkInterfaceId, record, at)
    return networkInterfaceId
  })
  const instance: InstanceRecord = {
    instanceId,
    zone,
    vpcId,
    state: request.state ?? "running",
    tags: {},
    interfaceIds,
    terminatedAt: undefined
  }
  put(state, state.instances, instanceId, instance, at)
  return { instanceId, zone, interfaceIds, providerID: providerID(zone, instanceId) }
}

export const launch = (state: State, at: number, request: LaunchRequest): Launched =>
  add(state, at, request, state.ids.next("i"), () => state.ids.next("eni"), undefined)

/** Where unknown instances are taken to exist: a running one, all of it following from its id. */
export const ensureDerived = (state: State, at: number, instanceId: string): void => {
  if (!state.isDerived || state.instances.get(instanceId) !== undefined) return
  if (!/^i-[0-9a-f]{17}$/.test(instanceId)) return
  add(state, at, {}, instanceId, (n) => derivedId("eni", `${instanceId}/${n}`), instanceId)
}

const inState = (
  state: State,
  instanceId: string,
  allowed: ReadonlyArray<InstanceState>
): Answer<InstanceRecord> => {
  const instance = state.instances.get(instanceId)
  if (instance === undefined) {
    return refuse("InvalidInstanceID.NotFound", `The instance ID '${instanceId}' does not exist`)
  }
  return allowed.includes(instance.state)
    ? Result.succeed(instance)
    : refuse("IncorrectInstanceState", `The instance '${instanceId}' is ${instance.state}`)
}

const moveTo =
  (next: InstanceState, allowed: ReadonlyArray<InstanceState>) =>
  (state: State, at: number, instanceId: string): Answer<void> => {
    const instance = inState(state, instanceId, allowed)
    if (Result.isFailure(instance)) return Result.fail(instance.failure)
    put(state, state.instances, instanceId, { ...instance.success, state: next }, at)
    return done
  }

/** A pending instance comes up. */
export const run = moveTo("running", ["pending"])
export const shutDown = moveTo("shutting-down", ["pending", "running", "stopping", "stopped"])

/** An auto-assigned public address is lost by stopping; an Elastic IP stays. */
export const stop = (state: State, at: number, instanceId: string): Answer<void> => {
  const stopped = moveTo("stopped", ["running"])(state, at, instanceId)
  const instance = state.instances.get(instanceId)
  if (Result.isFailure(stopped) || instance === undefined) return stopped
  for (const networkInterface of interfacesOf(state, instance)) {
    if (networkInterface.publicIp?.kind !== "auto-assigned") continue
    takeOffForGood(state, at, networkInterface)
    const { networkInterfaceId } = networkInterface
    put(state, state.interfaces, networkInterfaceId, { ...networkInterface, publicIp: undefined }, at)
  }
  return stopped
}

/** A started instance gets a new auto-assigned address when it has a single interface and no Elastic IP. */
export const start = (state: State, at: number, instanceId: string): Answer<void> => {
  const started = moveTo("running", ["stopped"])(state, at, instanceId)
  const instance = state.instances.get(instanceId)
  if (Result.isFailure(started) || instance === undefined) return started
  const [only, ...others] = interfacesOf(state, instance)
  if (only !== undefined && others.length === 0 && only.publicIp === undefined) {
    const publicIp = { kind: "auto-assigned", address: state.publicAddresses.take() } as const
    put(state, state.interfaces, only.networkInterfaceId, { ...only, publicIp }, at)
  }
  return started
}

/** Idempotent, as TerminateInstances is. */
export const terminate = (state: State, at: number, instanceId: string): Answer<void> => {
  const instance = state.instances.get(instanceId)
  if (instance === undefined) {
    return refuse("InvalidInstanceID.NotFound", `The instance ID '${instanceId}' does not exist`)
  }
  if (instance.state === "terminated") return done
  for (const networkInterface of interfacesOf(state, instance)) {
    takeOffForGood(state, at, networkInterface)
    put(state, state.interfaces, networkInterface.networkInterfaceId, undefined, at)
  }
  const ended = { ...instance, state: "terminated", interfaceIds: [], terminatedAt: at } as const
  put(state, state.instances, instanceId, ended, at)
  return done
}

/** Forgets the instances that were terminated an hour ago. */
export const forgetTerminated = (state: State, at: number): void => {
  for (const { instanceId, terminatedAt } of state.instances.all()) {
    if (terminatedAt !== undefined && at - terminatedAt >= terminatedVisibleMillis) {
      put(state, state.instances, instanceId, undefined, at)
    }
  }
}
