import { defineState, directory, sqlite } from 'moult'
import type { State } from 'moult'

/** A large database and many small files. */
export const backupState = (root: string): State =>
  defineState({
    app: 'bench',
    appVersion: '1.0.0',
    stores: [sqlite('log', { path: 'log.db' }), directory('notes', { path: 'notes' })],
  }).in(root)
