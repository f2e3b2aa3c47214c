import { CommanderError, Command as Parser } from 'commander'
import { CliFailure } from './cli-failure.js'
import type { Command, CommandOptions } from './command.js'
import { commands } from './commands.js'
import { findNearest } from './nearest.js'

/** Flags that stand before or after any command. */
export interface Globals {
  readonly config?: string
  readonly dataDir?: string
  readonly json?: boolean
  readonly events?: boolean
  readonly verbose?: boolean
}

export type Parsed =
  | {
      readonly is: 'command'
      readonly command: Command
      readonly words: readonly string[]
      readonly options: CommandOptions
      readonly globals: Globals
    }
  /** Help, or a version: nothing is left to do but to print it. */
  | { readonly is: 'text'; readonly text: string }

export interface Syntax {
  /** What people type: `moult`, or `clankers migrate`. */
  readonly name: string
  readonly defaultCommand: Command['name'] | null
  /** moult's own command has `--config` and `--version`; an app that mounts the CLI has its state and its version. */
  readonly own: { readonly version: string } | null
}

/** Reads the arguments. Throws USAGE, with the nearest word that would have been right. */
export function parseArgs(args: readonly string[], syntax: Syntax): Parsed {
  let parsed: Parsed | null = null
  let shown = ''
  const parser = makeParser(
    syntax,
    (text) => (shown += text),
    (command, words, options, globals) => (parsed = { is: 'command', command, words, options, globals }),
  )
  try {
    parser.parse([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { is: 'text', text: shown }
    throw usage(error.message.replace(/^error: /, ''), args, parser, syntax)
  }
  return parsed ?? { is: 'text', text: shown }
}

type Taken = (command: Command, words: readonly string[], options: CommandOptions, globals: Globals) => void

function makeParser({ name, defaultCommand, own }: Syntax, write: (text: string) => void, take: Taken): Parser {
  const parser = new Parser(name)
    .helpOption('--help', 'show this')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => undefined, outputError: () => undefined })
    .showSuggestionAfterError(false)
  if (own)
    parser
      .description("Upgrades the state an app left on somebody's disk.")
      .version(own.version, '--version', "show moult's version")
  if (own) parser.option('--config <FILE>', 'the config; default: moult.config.{ts,mts,js,mjs,cjs}, here or further up')
  parser
    .option('--data-dir <DIR>', 'the directory that holds the state')
    .option('--json', 'print one JSON document on stdout')
    .option('--events', 'print events on stderr, a line of JSON each')
    .option('--verbose', 'show more: where errors come from, unchecked steps, files that belong to no store')
  for (const command of commands) {
    const sub = parser
      .command(command.name, { isDefault: command.name === defaultCommand })
      .description(command.about)
      .allowExcessArguments()
      .helpOption('--help', 'show this')
    for (const { flag, about, read } of command.flags) {
      if (read) sub.option(flag, about, read)
      else sub.option(flag, about)
    }
    if (command.argument) sub.argument(command.argument.name.replace(/^<(.*)>$/, '[$1]'), command.argument.about)
    sub.action(() => {
      checkExcess(sub, parser, wordsTaken(command))
      take(command, sub.args, sub.opts(), parser.opts())
    })
  }
  if (defaultCommand === null) {
    parser.allowExcessArguments().action(() => {
      const [word] = parser.args
      if (word !== undefined) throw unknownCommand(word, parser)
      throw new CliFailure(
        'USAGE',
        'Say what to do.',
        `Commands: ${commands.map((command) => command.name).join(', ')}. ${name} --help says more.`,
      )
    })
  }
  return parser
}

function wordsTaken({ argument }: Command): number {
  if (!argument) return 0
  return argument.name.includes('...') ? Infinity : 1
}

/** Most commands take nothing but flags; a word that is left over is a command that is none, or one too many. */
function checkExcess(sub: Parser, parser: Parser, taken: number): void {
  const word = sub.args[taken]
  if (word === undefined) return
  if (!parser.args.includes(sub.name())) throw unknownCommand(word, parser)
  throw new CliFailure(
    'USAGE',
    `${sub.name()} takes no '${word}'.`,
    `${parser.name()} ${sub.name()} --help shows what it takes.`,
  )
}

function unknownCommand(word: string, parser: Parser): CliFailure {
  const names = parser.commands.map((command) => command.name())
  return new CliFailure(
    'USAGE',
    `There is no command '${word}'.`,
    suggest(word, names) ?? `Commands: ${names.join(', ')}.`,
  )
}

function usage(message: string, args: readonly string[], parser: Parser, { defaultCommand }: Syntax): CliFailure {
  const [word] = parser.args
  if (word !== undefined && !word.startsWith('-') && !parser.commands.some((each) => each.name() === word))
    return unknownCommand(word, parser)
  const flag = /^unknown option '([^'=]+)/.exec(message)?.[1]
  const command =
    parser.commands.find((each) => args.includes(each.name())) ??
    parser.commands.find((each) => each.name() === defaultCommand)
  const known = [parser, ...(command ? [command] : [])].flatMap((each) => [
    '--help',
    ...each.options.flatMap(({ long }) => long ?? []),
  ])
  const help = `${[parser.name(), ...(command ? [command.name()] : [])].join(' ')} --help shows what there is.`
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}`.replace(/\.?$/, '.')
  return new CliFailure('USAGE', sentence, (flag === undefined ? null : suggest(flag, known)) ?? help)
}

function suggest(word: string, known: readonly string[]): string | null {
  const near = findNearest(word, known)
  return near === null ? null : `Did you mean ${near}?`
}
