import { fileURLToPath } from 'node:url'

/** The checkout the tests run in, seen from build/test/support. */
export const checkout = fileURLToPath(new URL('../../../', import.meta.url))
