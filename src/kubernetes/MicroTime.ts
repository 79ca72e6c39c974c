/**
 * metav1.MicroTime, as Leases and Events carry it.
 * Rule: exactly six digits after the point; the API server refuses a time without them.
 */

/** Epoch milliseconds -> "2024-01-01T00:00:00.000000Z". */
export const fromMillis = (millis: number): string => new Date(millis).toISOString().replace(/Z$/, "000Z")
