/**
 * Where a server listens, as Go's net.Listen writes it: ":8080", "127.0.0.1:8080", "[::1]:8080".
 * Rule: no host means every interface, IPv4 and IPv6.
 */
export interface BindAddress {
  readonly host: string | undefined
  /** 0 lets the system choose. */
  readonly port: number
}

const shape = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/

/** Undefined when it is no address; a lone port lacks its colon, as it does for Go. */
export const parse = (text: string): BindAddress | undefined => {
  const match = shape.exec(text)
  if (match === null) return undefined
  const port = Number(match[3])
  return port > 65_535 ? undefined : { host: match[1] ?? (match[2] || undefined), port }
}

export const format = ({ host, port }: BindAddress): string =>
  `${host === undefined ? "" : host.includes(":") ? `[${host}]` : host}:${port}`
