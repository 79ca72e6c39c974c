/**
 * How much memory V8 may take before it collects.
 * Rule: memory before speed: a process that is idle for months grows its heap by a third of what lives in it before
 * it collects, not by several times.
 */
import { setFlagsFromString } from "node:v8"

/**
 * V8's own switch for small devices ("favor memory size over execution speed", flag-definitions.h). It is read each
 * time a collection decides how far the heap may grow (Heap::CurrentHeapGrowingMode), so a running program may set it,
 * however it was started; NODE_OPTIONS does not take it.
 */
export const keepSmall = (): void => setFlagsFromString("--optimize-for-size")
