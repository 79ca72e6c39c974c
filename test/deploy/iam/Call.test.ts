/**
 * Calls in the form they have on the wire: what is recorded from a simulated world is what the SDK really sends.
 */
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand
} from "@aws-sdk/client-ec2"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Wire from "../../../src/ec2/Wire.ts"
import * as Authorization from "./Authorization.ts"
import * as Call from "./Call.ts"
import { isAllowed } from "./Evaluator.ts"
import * as Policy from "./Policy.ts"

const tags = { Name: "n", "kubestatic.quortex.io/cluster-id": Policy.place.clusterId }

type Send = (client: EC2Client) => Promise<unknown>

/** By action: what the service is asked, and the same through the SDK. */
const sent: ReadonlyArray<readonly [string, object, Send]> = [
  [
    "AllocateAddress",
    { tags },
    (c) =>
      c.send(
        new AllocateAddressCommand({
          Domain: "vpc",
          TagSpecifications: Wire.toTagSpecification("elastic-ip", tags)
        })
      )
  ],
  [
    "AssociateAddress",
    { allocationId: "eipalloc-1", networkInterfaceId: "eni-1" },
    (c) =>
      c.send(
        new AssociateAddressCommand({
          AllocationId: "eipalloc-1",
          NetworkInterfaceId: "eni-1",
          AllowReassociation: false
        })
      )
  ],
  [
    "CreateSecurityGroup",
    { name: "g", description: "d", vpcId: "vpc-1", tags },
    (c) =>
      c.send(
        new CreateSecurityGroupCommand({
          GroupName: "g",
          Description: "d",
          VpcId: "vpc-1",
          TagSpecifications: Wire.toTagSpecification("security-group", tags)
        })
      )
  ],
  [
    "ModifyNetworkInterfaceAttribute",
    { networkInterfaceId: "eni-1", groupIds: ["sg-1", "sg-2"] },
    (c) =>
      c.send(
        new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: "eni-1", Groups: ["sg-1", "sg-2"] })
      )
  ],
  [
    "CreateTags",
    { resourceIds: ["eipalloc-1", "sg-1"], tags },
    (c) => c.send(new CreateTagsCommand({ Resources: ["eipalloc-1", "sg-1"], Tags: Wire.toTags(tags) }))
  ]
]

/** The form-decoded body that the SDK would send; nothing is sent. */
const bodyOf = (send: Send) =>
  Effect.promise(async () => {
    let body = ""
    const client = new EC2Client({
      region: "eu-west-1",
      maxAttempts: 1,
      credentials: { accessKeyId: "nobody", secretAccessKey: "nothing" },
      requestHandler: {
        handle: (request: { readonly body?: unknown }) => {
          body = String(request.body)
          return Promise.reject(new Error("nothing is sent"))
        }
      }
    })
    await send(client).catch(() => undefined)
    const { Action = "", Version: _, ...parameters } = Object.fromEntries(new URLSearchParams(body))
    return { action: Action, parameters }
  })

describe("a call of the service", () => {
  for (const [action, request, send] of sent) {
    it.effect(`${action} has the parameters that the SDK sends`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(Call.fromService(action, request), yield* bodyOf(send))
      })
    )
  }
})

describe("calls seen by an endpoint", () => {
  it.effect("are judged as recorded ones are, tags and lists included", () =>
    Effect.gen(function* () {
      const seen = yield* Effect.forEach(sent, ([, , send]) => bodyOf(send))
      const own = { vpcId: "vpc-1", tags }
      const account = {
        addresses: [{ allocationId: "eipalloc-1", tags }],
        groups: [
          { ...own, groupId: "sg-1" },
          { ...own, groupId: "sg-2", tags: {} }
        ],
        interfaces: [{ ...own, networkInterfaceId: "eni-1", tags: {} }]
      }
      const least = Policy.read("least-privilege.json")
      for (const call of Call.fromWire(seen, () => account)) {
        const requests = Authorization.requestsOf(call, Policy.place)
        assert.isAtLeast(requests.length, 2, call.action)
        for (const request of requests) assert.isTrue(isAllowed(least, request), JSON.stringify(request))
      }
    })
  )
})
