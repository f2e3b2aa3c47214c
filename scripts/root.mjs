import { fileURLToPath } from 'node:url'

/** The checkout these scripts lie in, with a slash at its end. */
export const root = fileURLToPath(new URL('../', import.meta.url))
