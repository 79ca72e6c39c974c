/**
 * A certificate of our own for the metrics server, made in memory.
 * Rule: the key and the signature are node:crypto's; only the framing (RFC 5280) is made here.
 *
 * node:crypto reads certificates and makes none. The packages that make them bring a cryptography of their own
 * (node-forge) or twenty packages and a polyfill of Reflect (@peculiar/x509), for one certificate that nobody
 * is asked to trust.
 */
import { generateKeyPairSync, sign } from "node:crypto"
import { Clock, Effect, Random } from "effect"
import * as Der from "./Der.ts"
import type { KeyPair } from "./Server.ts"

const oid = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1"
}

const hour = 3_600_000
/** Longer than a process lives: it is made again at every start. */
const lifetime = 10 * 365 * 24 * hour

const extension = (id: string, value: Uint8Array, isCritical = false): Buffer =>
  Der.sequence(Der.objectIdentifier(id), ...(isCritical ? [Der.boolean(true)] : []), Der.octets(value))

const extensions = Der.explicit(
  3,
  Der.sequence(
    // No CA, and no keyUsage: without keyCertSign OpenSSL would not take it for its own issuer.
    extension(oid.basicConstraints, Der.sequence(), true),
    extension(oid.extKeyUsage, Der.sequence(Der.objectIdentifier(oid.serverAuth))),
    // GeneralName: [2] dNSName, [7] iPAddress.
    extension(
      oid.subjectAltName,
      Der.sequence(
        Der.implicit(2, Buffer.from("kubestatic")),
        Der.implicit(2, Buffer.from("localhost")),
        Der.implicit(7, Buffer.of(127, 0, 0, 1))
      )
    )
  )
)

const name = Der.sequence(Der.set(Der.sequence(Der.objectIdentifier(oid.commonName), Der.utf8("kubestatic"))))
const algorithm = Der.sequence(Der.objectIdentifier(oid.ecdsaWithSha256))

const pem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der)
    .toString("base64")
    .replaceAll(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`

/** ECDSA on P-256, valid from an hour ago (clocks differ) for ten years. */
export const make: Effect.Effect<KeyPair> = Effect.gen(function* () {
  const now = yield* Clock.currentTimeMillis
  const serial = yield* Effect.all(Array.from({ length: 16 }, () => Random.nextIntBetween(0, 256)))
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })

  const toBeSigned = Der.sequence(
    Der.explicit(0, Der.integer(Buffer.of(2))), // version 3
    // A serial number is positive: the leading 1 keeps it so.
    Der.integer(Buffer.from([1, ...serial])),
    algorithm,
    name,
    Der.sequence(Der.time(now - hour), Der.time(now + lifetime)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    extensions
  )
  const certificate = Der.sequence(toBeSigned, algorithm, Der.bits(sign("sha256", toBeSigned, privateKey)))
  return {
    certificate: pem(certificate),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString()
  }
})
