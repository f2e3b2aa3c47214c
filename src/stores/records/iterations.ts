import type { Overlay } from '../../disk/overlay.js'

/** What loops over a store's files are still to see, so that each sees what was there when it began. */
export interface Iterations {
  /** Must be ended, whatever happens. */
  begin(files: readonly string[]): Iteration
  /** To be called before a file is changed. */
  keep(file: string): void
}

export interface Iteration {
  /** The file's bytes as they were when the iteration began. Each file once. */
  open(file: string): Iterable<Buffer>
  end(): void
}

/** A file as it was; larger ones are held open instead of in memory. */
interface HeldFile {
  readonly held: readonly Buffer[]
  readonly rest: Generator<Buffer, void, undefined>
}

const heldChunks = 16

export function openIterations(overlay: Overlay): Iterations {
  const active = new Set<{ readonly ahead: Set<string>; readonly kept: Map<string, HeldFile> }>()
  return {
    begin(files) {
      const iteration = { ahead: new Set(files), kept: new Map<string, HeldFile>() }
      active.add(iteration)
      return {
        open(file) {
          iteration.ahead.delete(file)
          const kept = iteration.kept.get(file)
          return kept === undefined ? overlay.readChunks(file) : replay(kept)
        },
        end() {
          active.delete(iteration)
          for (const { rest } of iteration.kept.values()) rest.return()
        },
      }
    },
    keep(file) {
      for (const { ahead, kept } of active) {
        if (ahead.has(file) && !kept.has(file)) kept.set(file, holdFile(overlay.readChunks(file)))
      }
    },
  }
}

function* replay({ held, rest }: HeldFile): Generator<Buffer, void, undefined> {
  yield* held
  yield* rest
}

/** Reads the first chunks now: the file is then open, and what is read of it stays what it is. */
function holdFile(rest: Generator<Buffer, void, undefined>): HeldFile {
  const held: Buffer[] = []
  while (held.length < heldChunks) {
    const next = rest.next()
    if (next.done === true) break
    held.push(next.value)
  }
  return { held, rest }
}
