/**
 * The operator as it ships: the built bundle.
 * Rule: built once per run, from the sources under test.
 */
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../../..", import.meta.url))
export const bundle = fileURLToPath(new URL("../../../dist/kubestatic.mjs", import.meta.url))
