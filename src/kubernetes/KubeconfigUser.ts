/**
 * What a kubeconfig says of its users and @kubernetes/client-node's KubeConfig drops or takes otherwise.
 * Rule: the fields mean what they mean in client-go (clientcmd/api/v1.AuthInfo), and one of another shape is refused by
 * its name; paths start at the file that they stand in.
 */
import { readFile } from "node:fs/promises"
import { dirname, resolve, sep } from "node:path"
import { Schema } from "effect"
import { parse } from "yaml"
import type { Impersonation } from "./Impersonation.ts"

const optional = <S extends Schema.Top>(schema: S) => Schema.optional(Schema.NullOr(schema))
const Texts = Schema.NullOr(Schema.Array(Schema.String))

const User = Schema.Struct({
  as: optional(Schema.String),
  "as-uid": optional(Schema.String),
  "as-groups": Schema.optional(Texts),
  "as-user-extra": optional(Schema.Record(Schema.String, Texts)),
  tokenFile: optional(Schema.String),
  exec: optional(Schema.Struct({ command: optional(Schema.String) }))
})

const File = Schema.Struct({
  users: optional(Schema.Array(Schema.Struct({ name: Schema.String, user: optional(User) })))
})
const decode = Schema.decodeUnknownPromise(File)

export interface KubeconfigUser {
  readonly impersonation: Impersonation
  /** Absolute. */
  readonly tokenFile: string | undefined
  /** Of a plugin that is not looked for in PATH; absolute. */
  readonly plugin: string | undefined
}

/** The users of a file by their names. */
export const read = async (file: string): Promise<ReadonlyMap<string, KubeconfigUser>> => {
  const { users } = await decode(parse(await readFile(file, "utf8")) ?? {})
  const from = (path: string) => resolve(dirname(file), path)
  return new Map(
    (users ?? []).map(({ name, user }) => {
      const { tokenFile, exec, ...impersonation } = user ?? {}
      const command = exec?.command
      return [
        name,
        {
          impersonation,
          tokenFile: tokenFile ? from(tokenFile) : undefined,
          plugin: command?.includes(sep) ? from(command) : undefined
        }
      ]
    })
  )
}
