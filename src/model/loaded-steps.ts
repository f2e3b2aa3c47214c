/** Steps loaded from a folder or from modules, for `.steps(…)` of a store. */
export interface LoadedSteps {
  readonly '~moult': 1
  /** All names in order. */
  readonly names: readonly string[]
  readonly steps: readonly LoadedStep[]
}

export interface LoadedStep {
  readonly name: string
  /** What `.step(name, options)` takes. It is checked by the store that it is added to. */
  readonly options: object
}

/** Throws a TypeError for anything but what `stepsFrom` gives. */
export function checkLoadedSteps(owner: string, loaded: unknown): readonly LoadedStep[] {
  const { '~moult': brand, steps } = (loaded ?? {}) as Partial<LoadedSteps>
  if (brand !== 1 || !Array.isArray(steps)) throw new TypeError(`${owner}: steps(…) takes what stepsFrom(…) gives`)
  return steps as readonly LoadedStep[]
}
