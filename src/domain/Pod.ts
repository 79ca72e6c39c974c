/**
 * A Pod that asks for an address, projected to what counts demand.
 * Rule: only pods with the address label are ever watched; finished and terminating ones ask for nothing.
 */
import { Schema } from "effect"
import type { Fields } from "./Fields.ts"
import * as Metadata from "./Metadata.ts"
import { addressLabel } from "./Names.ts"
import type { Raw } from "./Object.ts"

export interface Pod {
  /** namespace/name. */
  readonly key: string
  readonly uid: string
  readonly resourceVersion: string
  /** The address it asks for. */
  readonly address: string | undefined
  readonly nodeName: string | undefined
  /** Not Succeeded, Failed or terminating. */
  readonly isLive: boolean
}

/** What `decode` reads. */
export const fields: Fields = {
  metadata: Metadata.fieldsWith(addressLabel),
  spec: { nodeName: true },
  status: { phase: true }
}

const decodeSpec = Schema.decodeUnknownSync(
  Schema.Struct({ nodeName: Schema.optionalKey(Schema.NullOr(Schema.String)) })
)
const decodeStatus = Schema.decodeUnknownSync(
  Schema.Struct({ phase: Schema.optionalKey(Schema.NullOr(Schema.String)) })
)

export const decode = (raw: Raw): Pod => {
  const metadata = Metadata.decode(raw.metadata)
  const phase = decodeStatus(raw.status ?? {}).phase
  return {
    key: `${metadata.namespace}/${metadata.name}`,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    address: metadata.labels[addressLabel] || undefined,
    nodeName: decodeSpec(raw.spec ?? {}).nodeName || undefined,
    isLive: !Metadata.isDeleting(metadata) && phase !== "Succeeded" && phase !== "Failed"
  }
}
