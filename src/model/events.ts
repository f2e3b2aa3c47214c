import type { WarningCode } from './warnings.js'

/** What happens during a call, as it happens. */
export type RunEvent =
  | { readonly type: 'waiting'; readonly holder: string | null; readonly ms: number }
  | { readonly type: 'recovered'; readonly direction: 'forward' | 'back' }
  | { readonly type: 'planned'; readonly steps: number }
  | {
      readonly type: 'step'
      readonly store: string
      readonly track: string
      readonly step: string
      readonly phase: 'start' | 'progress' | 'done' | 'skipped' | 'failed'
      readonly done?: number
      readonly total?: number
      readonly ms?: number
    }
  | { readonly type: 'commit'; readonly stores: readonly string[] }
  /** Bytes copied so far, of all that the backup will have. */
  | { readonly type: 'backup'; readonly id: string; readonly done: number; readonly total: number }
  | { readonly type: 'warning'; readonly code: WarningCode; readonly message: string }

export type Listener = (event: RunEvent) => void
