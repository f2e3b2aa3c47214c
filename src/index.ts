export { defineState } from './state.js'
export type { BackupCallOptions, BackupOptions, Backups, PruneOptions, RestoreOptions } from './backups.js'
export type { BackupInfo } from './model/manifest.js'
export type { DowngradeOptions, OpenOptions, RunOptions, StampOptions } from './run-options.js'
export type { HeldState, State, StateOptions } from './state.js'
export { directory } from './stores/directory/directory.js'
export type { DirectoryOptions, DirectoryStepOptions, DirectoryStore } from './stores/directory/directory.js'
export { record } from './stores/records/record.js'
export type {
  AnyRecord,
  KeylessRecordStart,
  KeylessRecordType,
  RecordAccess,
  RecordChange,
  RecordOptions,
  RecordReadOptions,
  RecordStart,
  RecordType,
  RecordValue,
  RecordWriteOptions,
  Unstamped,
  Upgraded,
  Versions,
} from './stores/records/record.js'
export { records } from './stores/records/records.js'
export type { RecordsOptions, RecordsStore } from './stores/records/records.js'
export type { RecordsReader, RecordsWriter } from './stores/records/record-views.js'
export { sqlite } from './stores/sqlite/sqlite.js'
export type { SqliteOptions, SqliteStepOptions, SqliteStore } from './stores/sqlite/sqlite.js'
export { stepsFrom } from './steps-from.js'
export type { LoadedSteps } from './model/loaded-steps.js'
export { track } from './track.js'
export type { Track } from './track.js'
export { betterSqlite3, nodeSqlite } from './choose-sqlite.js'
export { errorTable, isMoultError } from './model/errors.js'
export type { ErrorCode, ErrorDetails, MoultError, MoultFailure } from './model/errors.js'
export type { ChosenDriver as SqliteDriver, Row, SqlValue } from './model/driver.js'
export type { RunEvent } from './model/events.js'
export type { WarningCode } from './model/warnings.js'
export type { LeftDocument } from './model/marker.js'
export type { BackupPolicy, NewerPolicy, PendingPolicy } from './model/policy.js'
export type { At, References } from './model/reference.js'
export type {
  ChangeCounts,
  Outcome,
  PlanReport,
  PlannedStep,
  Problem,
  Rehearsal,
  RunReport,
  Status,
  StoreChanges,
  StatusReport,
  StepReport,
  StoreReport,
} from './model/report.js'
export type { HistoryEntry } from './engine/history.js'
export type { StepOptions, Views } from './model/step-options.js'
export type { StepContext, Store } from './model/store.js'
export type { Target } from './model/target.js'
export type { DbColumn, DbReader, DbWriter } from './stores/sqlite/db.js'
export type { FilesReader, FilesWriter, RewriteFilesOptions } from './stores/files/files.js'
