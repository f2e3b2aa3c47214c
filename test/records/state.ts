import * as fs from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { defineState, isMoultError } from 'moult'
import type { ErrorCode, Problem, RunOptions, RunReport, State, Store, StoreReport } from 'moult'
import { makeRoot } from '../disk/tree.js'

/** A real state in a directory of its own, upgraded through the public API. */
export interface StateInRoot {
  readonly root: string
  of(...stores: Store[]): State
  upgrade(store: Store, options?: RunOptions): Promise<RunReport>
  status(store: Store): Promise<StoreReport>
  verify(store: Store): Promise<readonly Problem[]>
  text(path: string): string
  exists(path: string): boolean
}

export function stateInRoot(t: Pick<TestContext, 'after'>): StateInRoot {
  const root = makeRoot(t)
  const of = (...stores: Store[]): State => defineState({ app: 'codewhale', appVersion: '2.0.0', stores }).in(root)
  return {
    root,
    of,
    upgrade: (store, options) => of(store).upgrade(options),
    status: async (store) => (await of(store).status()).stores[0]!,
    verify: async (store) => (await of(store).verify()).problems,
    text: (path) => fs.readFileSync(join(root, path), 'utf8'),
    exists: (path) => fs.existsSync(join(root, path)),
  }
}

/** For assert.rejects and assert.throws: one of moult's errors, with this in its message and a hint. */
export const fails =
  (code: ErrorCode, pattern = /./) =>
  (error: unknown): boolean => {
    if (!isMoultError(error, code)) throw error
    return pattern.test(error.message) && error.hint !== ''
  }

/** The files that these problems begin with. */
export const namedBy = (problems: readonly Problem[]): string[] =>
  problems.map(({ message }) => message.split(' ', 1)[0]!)
