/** One way to do the work of a measurement. */
export interface Contender {
  readonly name: string
  /** Sets up what a round needs; not timed. */
  prepare?(round: number): void | Promise<void>
  /** Does the work once. Milliseconds, and the memory of the process that did it where that is looked at. */
  run(round: number): Sample | Promise<Sample>
}

export interface Sample {
  readonly ms: number
  /** Processor time of the work, of all threads: what else runs on the machine changes it less than the time. */
  readonly cpuMs?: number
  readonly megabytes?: number
}

/** What is compared with what, in one run: the first contender is what the others are measured against. */
export interface Measurement {
  readonly title: string
  /** `difference`: milliseconds over the first; `ratio`: times the first. */
  readonly compare: 'difference' | 'ratio'
  readonly rounds: number
  readonly contenders: readonly Contender[]
  /** What the documentation promises, in words. */
  readonly target: string
  /** Runs after the last round: what was written is deleted late, because ext4 is slow at making files after deleting many. */
  clean(): void
}

export interface Result {
  readonly name: string
  readonly samples: readonly Sample[]
}

/** A B A B, and B A in every other round, so that neither always comes second; what is prepared comes before all rounds. */
export async function measure({ contenders, rounds }: Measurement): Promise<Result[]> {
  const results = contenders.map(({ name }) => ({ name, samples: [] as Sample[] }))
  for (let round = 0; round < rounds; round++) for (const contender of contenders) await contender.prepare?.(round)
  for (let round = 0; round < rounds; round++) {
    const order = [...contenders.entries()]
    for (const [index, contender] of round % 2 === 0 ? order : order.reverse())
      results[index]!.samples.push(await contender.run(round))
  }
  return results
}
