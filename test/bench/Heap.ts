/**
 * Bytes of the heap that something costs, in this process.
 * Rule: measured after full collections, many of them at once, so that what is shared counts little.
 */
const collect = async (): Promise<void> => {
  if (globalThis.gc === undefined) throw new Error("the benches run with --expose-gc")
  for (let i = 0; i < 4; i++) {
    globalThis.gc()
    // What finalizers and promises hold goes between two turns.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

export const heapUsed = async (): Promise<number> => {
  await collect()
  return process.memoryUsage().heapUsed
}
