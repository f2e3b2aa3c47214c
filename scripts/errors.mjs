// Makes docs/errors.md from the table of errors; --write brings the page up to date, without it a stale one is an error.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { errorTable } from '../build/src/model/errors.js'
import { warningTable } from '../build/src/model/warnings.js'
import { root } from './root.mjs'

const refused = 'No byte was changed.'
const refusedOrPutBack =
  'As it was before. Found before the run, or while steps ran or were committed, and then everything was put back.'
const putBack =
  'Every store is as it was before the run. Only where the plan had to be cut into segments, or the disk failed between two commits, do earlier commits stay, each whole; the message then names them, the outcome is `unfinished` and the exit code 6.'

/** By exit code: what it means, and what state the data is in. */
const exits = {
  2: { title: 'Usage or config', state: refused },
  3: { title: 'Pending', state: refused },
  4: { title: 'Refused', state: refused },
  5: { title: 'Locked or in use', state: refused },
  6: { title: 'Damaged or unfinished', state: null },
  7: { title: 'Failed, state put back', state: putBack },
  130: { title: 'Interrupted, state put back', state: putBack },
}

/** States that the exit code alone does not tell. */
const states = {
  DAMAGED: 'As the crash left it: nothing was touched, and all that the run had staged is kept in `.moult/run`.',
  UNFINISHED:
    'Each step is wholly applied or will be: what is missing stands in `.moult/run`. Programs without Moult may see a mixture until then.',
  FORMAT_UNKNOWN: 'As the crash left it: nothing was touched.',
  RECORD_REJECTED:
    'Thrown by `Session.upgrade`, `read` and `write`: the file keeps its bytes. Thrown by a view in a step: the step fails, and every store is as it was before the run.',
  STORE_CHANGED: `${putBack} What the other program wrote is kept. Thrown by \`Session.write\`: the file keeps what the other wrote.`,
  LOCK_LOST:
    'Another run may have the lock by now, so nothing is put back or cleaned up: the outcome is `unfinished` and the exit code 6. Whoever has the lock next finishes or undoes what the run had begun; each step is wholly applied or not at all. Thrown while the lock is being taken, nothing was changed.',
  FILE_UNSUPPORTED: refusedOrPutBack,
  NAMES_COLLIDE: refusedOrPutBack,
  NO_SPACE: refusedOrPutBack,
  NO_PERMISSION: refusedOrPutBack,
  READ_ONLY: refusedOrPutBack,
  HANDLE_EXPIRED: `${putBack} A call that comes after the run has ended changes nothing.`,
}

const actions = {
  USAGE: 'Read the hint; `--help` shows what there is.',
  CONFIG_NOT_FOUND: 'Start the command in the project, or name the file with `--config`.',
  CONFIG_UNREADABLE: 'Mend the file that the message names. `--verbose` shows where the error comes from.',
  DATA_DIR_MISSING:
    'Check `--data-dir`. A directory is never made for a mistyped name; for a first state, make it yourself.',
  TARGET_UNKNOWN: 'The hint lists the stores, or the steps of the store. A target is `store@version` or `store@step`.',
  DRIVER_MISSING:
    'On Node 20 run `npm install better-sqlite3@12`; from Node 22.13 on, Node has SQLite. After changing the version of Node, run `npm rebuild better-sqlite3`.',
  DRIVER_AMBIGUOUS:
    'Say which library opens the databases: `defineState({ driver: betterSqlite3(Database) })` or `defineState({ driver: nodeSqlite() })`. It must be the one the app itself uses.',
  UPGRADE_PENDING:
    "Run the upgrade, or start the program that makes it. `onPending: 'continue'` goes on with old data.",
  STORE_NEWER:
    "Start the version that the message names, or a newer one. Only if you know that this program does no harm to the data: `onNewer: 'continue'`.",
  STORE_TOO_OLD:
    'Start the version that the hint names once; it is the last that has these steps. Then start this one.',
  STORE_DIVERGED:
    'Two lines of development took the same place, or a store was copied alone. Start the version that wrote the data; or put both steps into one order and ship that; or bring back all stores from the same moment.',
  STORE_EDITED:
    "Put the step back as it was when it ran, and make a new step for the change. If the data is right as it is, because only a comment was changed, accept the edit: `moult upgrade --accept-edited store@step`, or `acceptEdited: ['store@step']`.",
  STORE_LEGACY:
    "If it is data from before Moult, declare what it is: `.adopt('oldest')` or `.adopt({ at: … })`. If another program keeps it, the path is wrong.",
  STORE_MISSING:
    'Look whether a volume is mounted. If the store was removed on purpose, make an empty directory or file in its place.',
  STORE_UNREADABLE:
    'The message says what cannot be read. Look at the path, the disk and the rights; bring the store back from a copy if it is damaged.',
  MARKER_UNREADABLE:
    "Put the marker back from a copy of the same moment. If there is none and you know which version the data is, say so: `moult stamp`; it replaces a marker that is torn. Don't delete it: then the data would count as data from before Moult. If the table belongs to another tool, choose another name with `table`.",
  MARKER_LOST:
    "Put the marker back from a copy of this store. If there is none and you know which version the data is, say so: `moult stamp`. Don't guess: running steps twice can destroy data.",
  STAMP_REFUSED:
    'The hint says what the stamp has to say as well, or what to do instead. `moult status` shows each store.',
  DEPENDENCY_CUT_OFF: 'Add the target that the hint names, or leave the targets out.',
  VERSION_PASSED:
    'Give the step in the way a `down` (records) or mark it `additive` if it is; or write the step against a later version of that store.',
  TARGET_BEHIND:
    'An upgrade only goes forward. Leave the target out, name a later one, or use `downgrade`, which goes back.',
  TARGET_AHEAD: 'A downgrade only goes back. Leave the target out, or name an earlier one.',
  DOWN_MISSING:
    "Go back no further than the hint says, or put a copy of the whole state from before that step in its place. A step has no way back if it has no `down` or `down: 'impossible'`, if a flat schema, a squash or `.adopt` stood for it, or if its version moved files (`layout`).",
  STILL_NEEDED:
    'Add the target that the hint names, so that the other step is undone first. If this program does not know that step, start the one that does.',
  RECORDS_INVALID:
    "Mend the documents that the message names, or let them be left where they are: `invalid: 'leave'`. From `verify`: a document is not what its store says.",
  FILE_UNSUPPORTED:
    'Replace the symlink or hard link by a file of its own, rename what has no UTF-8 name, or `ignore` it.',
  NAMES_COLLIDE: 'Change the step so that the names differ by more than case or Unicode form.',
  CLAIMED_TWICE: "Narrow one store's `files`, or name the file in its `ignore`.",
  OUTSIDE_ROOT: 'Move the store into the root, or make a state of its own for that directory.',
  BACKUP_UNKNOWN: '`list-backups` shows the ids there are.',
  BACKUP_FAILED:
    "Mend what the message names: a damaged database, a file that a program keeps writing to, the disk. Or go on without a backup: `backup: 'try'`, `--force`. Thrown by `Session.read` and `Session.write`: see that `.<name>.moult-bak` can be written beside the document.",
  BACKUP_BAD:
    'Take another backup. What is in its folder are plain files: a person can copy them back by hand; `--skip-verify` takes one whose digests alone are wrong.',
  NO_SPACE: 'Free as much as the message says and start again.',
  NO_PERMISSION: 'Start the program as the user that the state belongs to.',
  READ_ONLY:
    "Make the file system writable and start again. To look at current data on it, open with `access: 'read'`.",
  LOCKED:
    'Wait for the process that the message names, or give it longer with `waitMs` or `--wait`. If it hangs, end it: the lock goes with it.',
  IN_USE:
    'Close the programs that the message names. In this process, open the state before its databases, and close it before you call `upgrade()`.',
  DAMAGED:
    "Keep a copy of `.moult/run`. Bring back what the message says is gone or was changed (a database, a staged file) and start again. Nothing else can be done by a program; don't delete `.moult/run` before you know what is in it.",
  UNFINISHED:
    'Start again: the next start finishes or undoes what was left. If it says so again, its cause (a full disk, rights, a program that holds a file) is still there.',
  FORMAT_UNKNOWN: 'Start the newer program once; it finishes its run.',
  STEP_FAILED:
    'The cause is the error that the step threw. Mend the step, or the data it stumbled on, and start again.',
  VALIDATION_FAILED:
    "The message has the sentence of the step's own check. Mend the step or the data, and start again.",
  FOREIGN_KEYS_BROKEN:
    'Mend the step: it deleted rows that others point at, or inserted rows that point nowhere. From `verify`: the rows were there before; delete or mend them.',
  TRANSACTION_LOST:
    'A statement ended the transaction (`OR ROLLBACK`, `RAISE(ROLLBACK)`), or SQLite did, because of a full disk or an I/O error. Mend that and start again.',
  STATEMENT_REFUSED:
    "Leave the statement out. Transactions, foreign keys and the marker are Moult's while a step runs; the hint says what to do instead.",
  HANDLE_EXPIRED: 'Await everything that the step starts, and use `db`, `files` and `stores` only in it.',
  STORE_CHANGED:
    'Find the program that writes to the state without taking its lock, stop it, and start again. From `verify`: take over what you need from the file that was kept, and delete it.',
  LOCK_LOST:
    'See that no program deletes, copies over or opens files in `.moult/lock`, and that the disk is a local one. Start again: the next start finishes or undoes what the run had begun.',
  DISK_FAILED: "Look at the cause: the disk, the mount, the file system's log. Mend it and start again.",
  RECORD_REJECTED:
    'The message says which document and why. Mend the document, or start the version of the program that wrote it.',
  INTERRUPTED: 'Start again when you are ready.',
}

function renderCode(code, { exit, about }) {
  const action = actions[code]
  if (action === undefined) throw new Error(`scripts/errors.mjs does not say what to do about ${code}`)
  const state = states[code] ?? exits[exit]?.state
  if (state == null) throw new Error(`scripts/errors.mjs does not say what state the data is in after ${code}`)
  return `### ${code}\n\n${about}\n\n- **Exit code:** ${exit}\n- **The data:** ${state}\n- **What to do:** ${action}\n`
}

function renderGroup(exit) {
  const rows = Object.entries(errorTable).filter(([, row]) => String(row.exit) === exit)
  if (rows.length === 0) throw new Error(`no error has exit code ${exit}`)
  return [`## ${exits[exit].title}: exit code ${exit}\n`, ...rows.map(([code, row]) => renderCode(code, row))].join(
    '\n',
  )
}

function renderWarnings() {
  const rows = Object.entries(warningTable).map(([code, about]) => `| ${code} | ${about} |`)
  return [
    '## Warnings\n',
    "Events of type `warning` tell of what is no reason to stop, or comes when all is done: `onEvent`, `--events`, and on a terminal a line. An error that something went on without has its own code: `BACKUP_FAILED` with `backup: 'try'`, `STORE_CHANGED` for what was kept as `.moult-kept`, and that of an attempt at documents which had been left. The others:\n",
    ['| code | means |', '| --- | --- |', ...rows].join('\n') + '\n',
  ].join('\n')
}

function renderPage() {
  const stray = Object.keys({ ...actions, ...states }).find((code) => !Object.hasOwn(errorTable, code))
  if (stray !== undefined) throw new Error(`scripts/errors.mjs speaks of ${stray}, which is no error`)
  const index = Object.entries(errorTable).map(
    ([code, { exit, about }]) => `| [${code}](#${code.toLowerCase()}) | ${exit} | ${about} |`,
  )
  return [
    '<!-- Made by scripts/errors.mjs from src/model/errors.ts. -->\n',
    '# Errors\n',
    'Every error that Moult throws on purpose is a `MoultError`: `code` is stable, `message` says what happened, `hint` what to do, `details` names the store, step or path, `cause` is the error behind it, `report` has the shape of what the method would have returned. `isMoultError(error, code?)` tells them apart, and `errorTable` is this table as data. A mistake in a definition or in a call is a `TypeError`. The command line ends with the exit code; 1 is an error nobody foresaw, about which nothing is promised. While an earlier run that was cut off cannot be finished or undone yet, because a disk is full or a program holds a database, the outcome is `unfinished` and the exit code 6, whatever the code.\n',
    ['| code | exit | means |', '| --- | --- | --- |', ...index].join('\n') + '\n',
    ...Object.keys(exits).map(renderGroup),
    renderWarnings(),
  ].join('\n')
}

const path = join(root, 'docs/errors.md')
const page = await format(renderPage(), { ...(await resolveConfig(path)), parser: 'markdown' })
if (process.argv.includes('--write')) writeFileSync(path, page)
else if (readFileSync(path, 'utf8') !== page) {
  console.error('docs/errors.md is not what src/model/errors.ts says. Run: npm run docs')
  process.exitCode = 1
}
