import type { StandardSchemaV1 } from '@standard-schema/spec'

/** A schema of any library that follows https://standardschema.dev. */
export type Schema = StandardSchemaV1

/** What a schema accepts. */
export type Input<S> = S extends Schema ? StandardSchemaV1.InferInput<S> : never

/** Checks a value; answers where it does not fit, or null. The schema's output is thrown away. */
export async function findMisfit(schema: Schema, value: unknown): Promise<string | null> {
  return describeMisfit(await schema['~standard'].validate(value))
}

/**
 * The places that a schema complains about, or null. Never its messages: some libraries quote the value in them.
 */
export function describeMisfit(result: StandardSchemaV1.Result<unknown>): string | null {
  if (result.issues === undefined) return null
  const places = [...new Set(result.issues.map((issue) => formatPlace(issue.path ?? [])))]
  const more = places.length > shownPlaces ? ` and ${places.length - shownPlaces} more places` : ''
  return `it does not fit its schema at ${places.slice(0, shownPlaces).join(', ')}${more}`
}

const shownPlaces = 5

function formatPlace(path: readonly (PropertyKey | StandardSchemaV1.PathSegment)[]): string {
  let shown = '$'
  for (const segment of path) {
    const key = typeof segment === 'object' ? segment.key : segment
    if (typeof key === 'number') shown += `[${key}]`
    else if (typeof key === 'string' && !/^[A-Za-z_$][\w$]*$/.test(key)) shown += `[${JSON.stringify(key)}]`
    else shown += `.${String(key)}`
  }
  return shown
}
