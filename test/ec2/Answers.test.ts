/** What is read of EC2's answers is what the SDK itself makes of them, as far as we use it. */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  EC2Client
} from "@aws-sdk/client-ec2"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Answers from "../../src/ec2/Answers.ts"
import * as Wire from "../../src/ec2/Wire.ts"
import * as Xml from "../../src/ec2/Xml.ts"
import * as Ec2Endpoint from "../bench/cluster/Ec2Endpoint.ts"
import * as Objects from "../bench/cluster/Objects.ts"

const clientOf = (endpoint: string) =>
  new EC2Client({
    endpoint,
    region: "eu-west-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" }
  })

const answerWith = async (status: number, body: string) => {
  const server = createServer((request, response) => {
    request.resume()
    request.on("end", () => {
      response.writeHead(status, { "content-type": "text/xml" })
      response.end(body)
    })
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

const both = async <A>(url: string, ask: (client: EC2Client) => Promise<A>) => {
  const [plain, ours] = [clientOf(url), Answers.projectOn(clientOf(url))]
  try {
    return [await ask(ours), await ask(plain)] as const
  } finally {
    plain.destroy()
    ours.destroy()
  }
}

describe("an account", () => {
  let endpoint: Ec2Endpoint.Ec2Endpoint
  beforeAll(async () => {
    endpoint = await Ec2Endpoint.start({ clusterId: "c", nodes: 30, rules: 23, latency: 0 })
  })
  afterAll(() => endpoint.close())

  it("shows the same addresses", async () => {
    const [ours, theirs] = await both(endpoint.url, async (client) =>
      ((await client.send(new DescribeAddressesCommand({}))).Addresses ?? []).map(Wire.fromAddress)
    )
    assert.strictEqual(ours.length, 30)
    assert.deepStrictEqual(ours, theirs)
  })

  it("shows the same groups and rules", async () => {
    const [ours, theirs] = await both(endpoint.url, async (client) =>
      ((await client.send(new DescribeSecurityGroupsCommand({}))).SecurityGroups ?? []).map(
        Wire.fromSecurityGroup
      )
    )
    assert.strictEqual(ours.length, 5)
    assert.deepStrictEqual(ours, theirs)
  })

  it("shows the same instances and interfaces", async () => {
    const Filters = [{ Name: "instance-id", Values: [0, 1, 29].map(Objects.instanceId) }]
    const [ours, theirs] = await both(endpoint.url, async (client) =>
      ((await client.send(new DescribeInstancesCommand({ Filters }))).Reservations ?? []).flatMap((r) =>
        (r.Instances ?? []).map(Wire.fromInstance)
      )
    )
    assert.strictEqual(ours.length, 3)
    assert.deepStrictEqual(ours, theirs)
  })
})

const interfaces = `<?xml version="1.0" encoding="UTF-8"?>
<DescribeNetworkInterfacesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>fc45294c-006b-457b-bab9-012f5b3b0e40</requestId>
    <networkInterfaceSet>
        <item>
            <networkInterfaceId>eni-1</networkInterfaceId><vpcId>vpc-1</vpcId>
            <description>an &lt;interface&gt; of &quot;ours&quot; &amp; &#x1F30D; &#233;</description>
            <groupSet><item><groupId>sg-1</groupId><groupName>a</groupName></item><item><groupId>sg-2</groupId></item></groupSet>
            <attachment><attachmentId>eni-attach-1</attachmentId><instanceId>i-1</instanceId><deviceIndex>2</deviceIndex></attachment>
            <association><publicIp>1.2.3.4</publicIp><ipOwnerId>amazon</ipOwnerId></association>
            <tagSet/>
            <privateIpAddressesSet>
                <item><primary>false</primary><association><publicIp>5.6.7.8</publicIp><ipOwnerId>1</ipOwnerId></association></item>
                <item><primary>true</primary><association><publicIp>1.2.3.4</publicIp><ipOwnerId>amazon</ipOwnerId></association></item>
            </privateIpAddressesSet>
        </item>
        <item><networkInterfaceId>eni-2</networkInterfaceId><vpcId>vpc-1</vpcId><groupSet/></item>
    </networkInterfaceSet>
    <nextToken>more &amp; more</nextToken>
</DescribeNetworkInterfacesResponse>`

describe("an answer", () => {
  it("is the same with attributes, white space, entities and a next page", async () => {
    const server = await answerWith(200, interfaces)
    try {
      const [ours, theirs] = await both(server.url, async (client) => {
        const answer = await client.send(new DescribeNetworkInterfacesCommand({}))
        return [answer.NextToken, answer.NetworkInterfaces?.map(Wire.fromNetworkInterface)]
      })
      assert.deepStrictEqual(ours, theirs)
      assert.strictEqual(ours[0], "more & more")
    } finally {
      server.close()
    }
  })

  it("that is an error is the SDK's", async () => {
    const server = await answerWith(
      503,
      "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow</Message></Error></Errors><RequestID>r</RequestID></Response>"
    )
    try {
      const [ours, theirs] = await both(server.url, (client) =>
        client.send(new DescribeAddressesCommand({})).then(
          () => "answered",
          (error: Error) => `${error.name}: ${error.message}`
        )
      )
      assert.strictEqual(ours, "RequestLimitExceeded: slow")
      assert.strictEqual(ours, theirs)
    } finally {
      server.close()
    }
  })

  it("that is no list of the kind has none, and no answer of EC2 is no answer", async () => {
    const shape = Answers.shapes.DescribeAddresses
    assert(shape !== undefined)
    assert.deepStrictEqual(Xml.read(Buffer.from("<html><body>busy</body></html>"), shape), {})
    assert.deepStrictEqual(Xml.read(Buffer.from("<A><addressesSet/></A>"), shape), { Addresses: [] })
    for (const wrong of [
      "",
      "busy",
      "<A><addressesSet><item>",
      "<A><addressesSet><item><publicIp>1",
      "<!DOCTYPE html><html/>"
    ]) {
      assert.throws(() => Xml.read(Buffer.from(wrong), shape), SyntaxError)
    }
  })
})
