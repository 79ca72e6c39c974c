/**
 * EC2's Query API for a process under measurement: describes of an account that is at rest, as XML.
 * Rule: answers are written once and sent as they are; a call that would change something is counted and refused, for
 * at rest there is none.
 */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { addressTags, groupTags, type Tags } from "../../../src/domain/Names.ts"
import * as Objects from "./Objects.ts"

export interface Ec2Endpoint {
  readonly url: string
  /** By action. */
  readonly calls: ReadonlyMap<string, number>
  /** When each action first came (milliseconds of `performance.now()`). */
  readonly firstAsked: ReadonlyMap<string, number>
  readonly reset: () => void
  readonly close: () => Promise<void>
}

export interface Account {
  readonly clusterId: string
  readonly nodes: number
  readonly rules: number
  /** Of every answer, in milliseconds. */
  readonly latency: number
}

const tagSet = (tags: Tags): string =>
  `<tagSet>${Object.entries(tags)
    .map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
    .join("")}</tagSet>`

const answer = (action: string, body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>${body}</${action}Response>`

const address = (i: number, clusterId: string): string =>
  `<item><publicIp>${Objects.publicIp(i)}</publicIp><allocationId>${Objects.allocationId(i)}</allocationId><domain>vpc</domain><instanceId>${Objects.instanceId(i)}</instanceId><associationId>${Objects.associationId(i)}</associationId><networkInterfaceId>${Objects.interfaceId(i)}</networkInterfaceId><networkInterfaceOwnerId>123456789012</networkInterfaceOwnerId><privateIpAddress>10.0.${(i >> 8) & 255}.${i & 255}</privateIpAddress>${tagSet(
    addressTags({
      clusterId,
      name: Objects.externalIPName(i),
      uid: Objects.uidOf("ExternalIP", i),
      extra: {}
    })
  )}<publicIpv4Pool>amazon</publicIpv4Pool><networkBorderGroup>eu-west-1</networkBorderGroup></item>`

const range =
  "<ipRanges><item><cidrIp>0.0.0.0/0</cidrIp><description>anywhere</description></item></ipRanges>"
const empty = "<groups/><ipv6Ranges/><prefixListIds/>"

const group = (i: number, clusterId: string, rules: number): string => {
  const tags = groupTags({
    clusterId,
    nodeName: Objects.nodeName(i),
    instanceId: Objects.instanceId(i),
    extra: {}
  })
  const ports = Array.from({ length: rules }, (_, n) => Objects.rulePort(i * Objects.rulesPerNode + n))
  const permissions = ports.map(
    (port) =>
      `<item><ipProtocol>tcp</ipProtocol><fromPort>${port}</fromPort><toPort>${port}</toPort>${empty}${range}</item>`
  )
  return `<item><ownerId>123456789012</ownerId><groupId>${Objects.groupId(i)}</groupId><groupName>${tags.Name}</groupName><groupDescription>Rules of node ${Objects.nodeName(i)}, kept by kubestatic</groupDescription><vpcId>${Objects.vpcId}</vpcId><ipPermissions>${permissions.join("")}</ipPermissions><ipPermissionsEgress/>${tagSet(tags)}</item>`
}

/** With what a real one says and nobody reads: about 5 kB. */
const instance = (i: number, hasGroup: boolean): string => {
  const groups = [
    "<item><groupId>sg-0aaaaaaaaaaaaaaaa</groupId><groupName>nodes</groupName></item>",
    ...(hasGroup
      ? [`<item><groupId>${Objects.groupId(i)}</groupId><groupName>kubestatic</groupName></item>`]
      : [])
  ].join("")
  const association = `<association><publicIp>${Objects.publicIp(i)}</publicIp><publicDnsName>ec2-${Objects.publicIp(i).replaceAll(".", "-")}.eu-west-1.compute.amazonaws.com</publicDnsName><ipOwnerId>123456789012</ipOwnerId></association>`
  const ip = `10.0.${(i >> 8) & 255}.${i & 255}`
  const others = Array.from(
    { length: 18 },
    (_, n) =>
      `<item><privateIpAddress>10.1.${(i >> 4) & 255}.${((i & 15) << 4) | (n & 15)}</privateIpAddress><privateDnsName>ip-10-1-0-${n}.eu-west-1.compute.internal</privateDnsName><primary>false</primary></item>`
  )
  return `<item><instanceId>${Objects.instanceId(i)}</instanceId><imageId>ami-0123456789abcdef0</imageId><instanceState><code>16</code><name>running</name></instanceState><privateDnsName>${Objects.nodeName(i)}</privateDnsName><dnsName>ec2-${i}.eu-west-1.compute.amazonaws.com</dnsName><reason/><amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>m6i.2xlarge</instanceType><launchTime>2026-01-01T00:00:00.000Z</launchTime><placement><availabilityZone>${Objects.zone(i)}</availabilityZone><groupName/><tenancy>default</tenancy></placement><monitoring><state>disabled</state></monitoring><subnetId>subnet-0123456789abcdef0</subnetId><vpcId>${Objects.vpcId}</vpcId><privateIpAddress>${ip}</privateIpAddress><ipAddress>${Objects.publicIp(i)}</ipAddress><sourceDestCheck>true</sourceDestCheck><groupSet>${groups}</groupSet><architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-0123456789abcdef0</volumeId><status>attached</status><attachTime>2026-01-01T00:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping><virtualizationType>hvm</virtualizationType><clientToken>fleet-${i}</clientToken>${tagSet({ Name: `edge-${i % 8}`, "karpenter.sh/nodepool": `edge-${i % 8}`, "kubernetes.io/cluster/edge": "owned", "eks:cluster-name": "edge", "aws:ec2launchtemplate:id": "lt-0123456789abcdef0" })}<hypervisor>xen</hypervisor><networkInterfaceSet><item><networkInterfaceId>${Objects.interfaceId(i)}</networkInterfaceId><subnetId>subnet-0123456789abcdef0</subnetId><vpcId>${Objects.vpcId}</vpcId><description/><ownerId>123456789012</ownerId><status>in-use</status><macAddress>02:00:00:00:00:01</macAddress><privateIpAddress>${ip}</privateIpAddress><sourceDestCheck>true</sourceDestCheck><groupSet>${groups}</groupSet><attachment><attachmentId>eni-attach-0123456789abcdef0</attachmentId><deviceIndex>0</deviceIndex><status>attached</status><attachTime>2026-01-01T00:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination><networkCardIndex>0</networkCardIndex></attachment>${association}<privateIpAddressesSet><item><privateIpAddress>${ip}</privateIpAddress><privateDnsName>${Objects.nodeName(i)}</privateDnsName><primary>true</primary>${association}</item>${others.join("")}</privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType></item></networkInterfaceSet><iamInstanceProfile><arn>arn:aws:iam::123456789012:instance-profile/edge</arn><id>AIPAEXAMPLE</id></iamInstanceProfile><ebsOptimized>true</ebsOptimized><enaSupport>true</enaSupport><cpuOptions><coreCount>4</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions><metadataOptions><state>applied</state><httpTokens>required</httpTokens><httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions><enclaveOptions><enabled>false</enabled></enclaveOptions></item>`
}

const refusal = (action: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>${action} changes something</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>`

export const start = async ({ clusterId, latency, nodes, rules }: Account): Promise<Ec2Endpoint> => {
  const calls = new Map<string, number>()
  const firstAsked = new Map<string, number>()
  const groups = Math.ceil(rules / Objects.rulesPerNode)
  const numbers = (n: number) => Array.from({ length: n }, (_, i) => i)
  const addresses = Buffer.from(
    answer(
      "DescribeAddresses",
      `<addressesSet>${numbers(nodes)
        .map((i) => address(i, clusterId))
        .join("")}</addressesSet>`
    )
  )
  const allGroups = Buffer.from(
    answer(
      "DescribeSecurityGroups",
      `<securityGroupInfo>${numbers(groups)
        .map((i) => group(i, clusterId, Math.min(Objects.rulesPerNode, rules - i * Objects.rulesPerNode)))
        .join("")}</securityGroupInfo>`
    )
  )
  const numberOf = new Map(numbers(nodes).map((i) => [Objects.instanceId(i), i]))

  const instances = (query: URLSearchParams): string => {
    const asked = [...query].flatMap(([key, value]) =>
      /^Filter\.1\.Value\.\d+$/.test(key) ? [numberOf.get(value)] : []
    )
    const items = asked.flatMap((i) => (i === undefined ? [] : [instance(i, i < groups)]))
    return answer(
      "DescribeInstances",
      `<reservationSet>${items.map((item) => `<item><reservationId>r-0123456789abcdef0</reservationId><ownerId>123456789012</ownerId><groupSet/><instancesSet>${item}</instancesSet></item>`).join("")}</reservationSet>`
    )
  }

  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const query = new URLSearchParams(Buffer.concat(chunks).toString())
      const action = query.get("Action") ?? ""
      calls.set(action, (calls.get(action) ?? 0) + 1)
      if (!firstAsked.has(action)) firstAsked.set(action, performance.now())
      const body =
        action === "DescribeAddresses"
          ? addresses
          : action === "DescribeSecurityGroups"
            ? allGroups
            : action === "DescribeInstances"
              ? instances(query)
              : undefined
      setTimeout(() => {
        response.writeHead(body === undefined ? 403 : 200, { "content-type": "text/xml;charset=UTF-8" })
        response.end(body ?? refusal(action))
      }, latency)
    })
  })
  server.keepAliveTimeout = 90_000
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    firstAsked,
    reset: () => {
      calls.clear()
      firstAsked.clear()
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
    }
  }
}
