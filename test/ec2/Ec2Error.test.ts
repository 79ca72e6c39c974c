/** Every code of EC2 has one meaning, and one that nobody listed is not taken for another. */
import { assert, describe, it } from "@effect/vitest"
import { fromCode, isAmbiguous, knownCodes } from "../../src/ec2/Ec2Error.ts"

const meanings: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  [
    "Gone",
    [
      "InvalidAllocationID.NotFound",
      "InvalidAddress.NotFound",
      "InvalidAssociationID.NotFound",
      "InvalidGroup.NotFound",
      "InvalidNetworkInterfaceID.NotFound",
      "InvalidInstanceID.NotFound",
      "InvalidPermission.NotFound"
    ]
  ],
  ["Duplicate", ["InvalidPermission.Duplicate", "InvalidGroup.Duplicate", "Resource.AlreadyAssociated"]],
  [
    "Busy",
    [
      "DependencyViolation",
      "InvalidGroup.InUse",
      "InvalidIPAddress.InUse",
      "IncorrectInstanceState",
      "InvalidInstanceID"
    ]
  ],
  [
    "QuotaExceeded",
    [
      "AddressLimitExceeded",
      "RulesPerSecurityGroupLimitExceeded",
      "SecurityGroupLimitExceeded",
      "SecurityGroupsPerInterfaceLimitExceeded"
    ]
  ],
  ["Refused", ["UnauthorizedOperation", "AuthFailure", "OptInRequired", "PendingVerification", "Blocked"]],
  [
    "Mistake",
    [
      "InvalidAllocationID.Malformed",
      "InvalidGroupId.Malformed",
      "InvalidInstanceID.Malformed",
      "MissingParameter",
      "InvalidParameter",
      "InvalidParameterValue",
      "InvalidParameterCombination"
    ]
  ],
  ["Throttled", ["RequestLimitExceeded", "Throttling", "ThrottlingException", "SlowDown"]],
  ["ServerFault", ["InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable"]],
  [
    "Unrecognised",
    ["", "Unheard.Of", "NotFound", "InvalidGroup.NotFoundAtAll", "Duplicate", "InternalErrors"]
  ]
]

describe("a code of EC2", () => {
  for (const [meaning, codes] of meanings) {
    it(`means ${meaning}: ${codes.join(", ")}`, () => {
      for (const code of codes) {
        const reason = fromCode(code, "words")
        assert.strictEqual(reason._tag, meaning, code)
        assert.deepInclude({ ...reason }, { code })
        assert.strictEqual(reason.message, "words")
      }
    })
  }

  it("is listed once", () => {
    assert.strictEqual(new Set(knownCodes).size, knownCodes.length)
  })
})

describe("the outcome of a write", () => {
  it("is unknown after a fault of the server and after no answer, and known after every other one", () => {
    const unknown = meanings.flatMap(([, codes]) => codes.filter((code) => isAmbiguous(fromCode(code, ""))))
    assert.deepStrictEqual(unknown, ["InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable"])
  })
})
