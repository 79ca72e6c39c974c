/**
 * What is read of EC2's describes: the SDK's shapes, with the fields that `Wire` takes and no others.
 * Rule: an answer that says success and has a shape here is read here; all others, and every error, by the SDK. The
 * SDK makes an object of every element before it looks for those that are known, ten times what is used.
 * Source of the names: the EC2 API reference, response elements.
 */
import type { EC2Client } from "@aws-sdk/client-ec2"
import * as Xml from "./Xml.ts"

const text = (field: string): Xml.Element => ({ field, type: "Text" })
const word = (field: string): Xml.Element => ({ field, type: "Word" })
const object = (field: string, of: Xml.Shape): Xml.Element => ({ field, type: "Object", of })
const list = (field: string, of: Xml.Shape): Xml.Element => ({ field, type: "List", of })

const tags = list("Tags", { key: word("Key"), value: word("Value") })
const groups = list("Groups", { groupId: text("GroupId") })
const association = object("Association", { publicIp: text("PublicIp"), ipOwnerId: word("IpOwnerId") })

const permissions = (field: string): Xml.Element =>
  list(field, {
    ipProtocol: word("IpProtocol"),
    fromPort: { field: "FromPort", type: "Number" },
    toPort: { field: "ToPort", type: "Number" },
    ipRanges: list("IpRanges", { cidrIp: word("CidrIp"), description: word("Description") }),
    ipv6Ranges: list("Ipv6Ranges", { cidrIpv6: word("CidrIpv6"), description: word("Description") }),
    prefixListIds: list("PrefixListIds", {
      prefixListId: word("PrefixListId"),
      description: word("Description")
    }),
    groups: list("UserIdGroupPairs", {
      groupId: word("GroupId"),
      userId: word("UserId"),
      description: word("Description")
    })
  })

const networkInterface: Xml.Shape = {
  networkInterfaceId: text("NetworkInterfaceId"),
  vpcId: word("VpcId"),
  groupSet: groups,
  attachment: object("Attachment", {
    attachmentId: text("AttachmentId"),
    instanceId: text("InstanceId"),
    deviceIndex: { field: "DeviceIndex", type: "Number" }
  }),
  association,
  privateIpAddressesSet: list("PrivateIpAddresses", {
    primary: { field: "Primary", type: "Boolean" },
    association
  })
}

const instance: Xml.Shape = {
  instanceId: text("InstanceId"),
  instanceState: object("State", { name: word("Name") }),
  vpcId: word("VpcId"),
  networkInterfaceSet: list("NetworkInterfaces", networkInterface)
}

const nextToken = text("NextToken")

/** By action. */
export const shapes: Readonly<Record<string, Xml.Shape>> = {
  DescribeAddresses: {
    addressesSet: list("Addresses", {
      publicIp: text("PublicIp"),
      allocationId: text("AllocationId"),
      associationId: text("AssociationId"),
      instanceId: text("InstanceId"),
      networkInterfaceId: text("NetworkInterfaceId"),
      tagSet: tags
    })
  },
  DescribeSecurityGroups: {
    nextToken,
    securityGroupInfo: list("SecurityGroups", {
      groupId: text("GroupId"),
      groupName: text("GroupName"),
      vpcId: word("VpcId"),
      tagSet: tags,
      ipPermissions: permissions("IpPermissions"),
      ipPermissionsEgress: permissions("IpPermissionsEgress")
    })
  },
  DescribeInstances: {
    nextToken,
    reservationSet: list("Reservations", { instancesSet: list("Instances", instance) })
  },
  DescribeNetworkInterfaces: { nextToken, networkInterfaceSet: list("NetworkInterfaces", networkInterface) }
}

/** As far as it matters here, of the SDK's ClientProtocol. */
interface Protocol {
  readonly deserializeResponse: (
    operation: { readonly name: string },
    context: unknown,
    response: { readonly statusCode: number; readonly body: AsyncIterable<Uint8Array> }
  ) => Promise<unknown>
}

const bytesOf = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The same protocol, but for what it makes of the answers above. */
const projecting = (inner: Protocol): Protocol => {
  const deserializeResponse: Protocol["deserializeResponse"] = async (operation, context, response) => {
    const shape = shapes[operation.name]
    if (shape === undefined || response.statusCode !== 200) {
      return inner.deserializeResponse(operation, context, response)
    }
    const output = Xml.read(await bytesOf(response.body), shape) as object
    return { ...output, $metadata: { httpStatusCode: response.statusCode } }
  }
  return new Proxy(inner, {
    get: (target, name) => {
      if (name === "deserializeResponse") return deserializeResponse
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
}

/** Makes a client read its describes so. */
export const projectOn = (client: EC2Client): EC2Client => {
  const config = client.config as unknown as { protocol: Protocol }
  config.protocol = projecting(config.protocol)
  return client
}
