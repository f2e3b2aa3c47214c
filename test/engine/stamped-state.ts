import type { TestContext } from 'node:test'
import type { ErrorCode, State, Target } from 'moult'
import { temporaryFolder } from '../support/footprint.js'
import { makeOldRoot, makeState } from './edited-state.js'
import { refuses } from './small-state.js'

/** Why, in every test. */
export const reason = 'put back by hand'
export const whole = makeState('shipped', { more: true })

export async function upgradedRoot(t: TestContext, state: State = whole): Promise<string> {
  const root = temporaryFolder(t)
  makeOldRoot(root)
  await state.in(root).upgrade()
  return root
}

export async function refusesStamp(
  root: string,
  state: State,
  target: Target | readonly Target[],
  code: ErrorCode,
  message: RegExp,
): Promise<void> {
  await refuses(root, () => state.in(root).stamp(target, { reason }), code, 4, message)
}
