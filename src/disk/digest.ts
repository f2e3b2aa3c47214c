import { normaliseSource } from '../model/step.js'

const digests = new Map<string, string>()

/** The checksum of a step's source: the same for every checkout and platform. */
export function digestSource(source: string): string {
  let digest = digests.get(source)
  if (digest === undefined) {
    // An import would run every getter of the module and load WebCrypto: a tenth of a start-up check
    const { createHash } = process.getBuiltinModule('node:crypto')
    digest = `sha256:${createHash('sha256').update(normaliseSource(source), 'utf8').digest('hex')}`
    digests.set(source, digest)
  }
  return digest
}
