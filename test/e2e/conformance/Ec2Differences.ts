/**
 * Where the simulated EC2 and the emulator answer differently, each with the one that is right.
 * Rule: each has its reason and a sequence that shows it; one that is no difference any more is taken out.
 */
import { isFields } from "../../../src/domain/Object.ts"
import type { Difference } from "./Conformance.ts"
import type { Request } from "./Ec2Request.ts"

const unknownOfTwo = new Set(["InvalidAllocationID.NotFound", "InvalidNetworkInterfaceID.NotFound"])

type Fields = Readonly<Record<string, unknown>>

/** Rows of interfaces, or of instances with their interfaces, each interface changed. */
const withInterfaces = (answer: unknown, change: (networkInterface: Fields) => Fields): unknown =>
  Array.isArray(answer)
    ? answer.map((row: Fields) =>
        Array.isArray(row.interfaces)
          ? { ...row, interfaces: row.interfaces.map(change) }
          : row.networkInterfaceId === undefined
            ? row
            : change(row)
      )
    : answer

const withoutAmazons = (networkInterface: Fields): Fields => {
  const { publicIp, ...rest } = networkInterface
  const isAmazons = isFields(publicIp) && publicIp.owner === "amazon"
  return networkInterface.networkInterfaceId === "interface#2" && isAmazons ? rest : networkInterface
}

export const differences: ReadonlyArray<Difference<Request>> = [
  {
    what: "which of an unknown address and an unknown interface AssociateAddress is said to lack",
    because: "EC2 does not say which it looks for first",
    shownBy: [{ call: "associateAddress", address: "unknown", interface: "unknown" }],
    without: ({ about, answer }) =>
      about === "associateAddress" && isFields(answer) && unknownOfTwo.has(String(answer.refused))
        ? { refused: "one of the ids" }
        : answer
  },
  {
    what: "an address of Amazon's on an interface that was launched without one and lost an Elastic IP",
    because:
      "EC2 gives such interfaces one now and then; the emulator never, the simulated EC2 as it is told to",
    shownBy: [
      { call: "allocateAddress", tags: {} },
      {
        call: "associateAddress",
        address: { made: "address", n: 0 },
        interface: { made: "interface", n: 2 }
      },
      { call: "disassociateAddress", association: { made: "association", n: 0 } }
    ],
    without: ({ answer }) => withInterfaces(answer, withoutAmazons)
  }
]
