import type { RunEvent } from '../index.js'
import { plain } from './paint.js'
import type { Output } from './paint.js'
import { nameStep } from './render.js'

export interface Progress {
  readonly onEvent: (event: RunEvent) => void
  /** Clears the line that showed how far it is. */
  end(): void
}

/** Each event as a line of JSON. */
export function reportEvents(stderr: Output): Progress {
  return { onEvent: (event) => void stderr.write(`${JSON.stringify(event)}\n`), end: () => undefined }
}

/**
 * For people: on a terminal one line that is written over and over; elsewhere only what somebody who reads a log must
 * know, and that once.
 */
export function reportProgress(stderr: Output): Progress {
  const isTerminal = stderr.isTTY === true
  let isShown = false
  const clear = (): void => {
    if (isShown) stderr.write('\r\u001B[K')
    isShown = false
  }
  const say = (text: string): void => {
    clear()
    stderr.write(`${plain(text)}\n`)
  }
  const show = (text: string): void => {
    if (!isTerminal) return
    stderr.write(`\r\u001B[K${plain(text)}`)
    isShown = true
  }
  let isWaitingSaid = false
  const onEvent = (event: RunEvent): void => {
    switch (event.type) {
      case 'waiting': {
        const text = `waiting for ${event.holder ?? 'another process'} to let go of the state`
        if (isTerminal) show(`${text} (${Math.round(event.ms / 1000)} s)`)
        else if (!isWaitingSaid) say(text)
        isWaitingSaid = true
        return
      }
      case 'recovered':
        return say(
          event.direction === 'forward'
            ? 'finished what an earlier run had left'
            : 'undid what an earlier run had left',
        )
      case 'warning':
        return say(`warning ${event.code}: ${event.message}`)
      case 'step':
        if (event.phase === 'start') show(nameStep(event))
        if (event.phase === 'progress')
          show(`${nameStep(event)} ${event.done}${event.total === undefined ? '' : `/${event.total}`}`)
        return
      case 'commit':
        return show(`committing ${event.stores.join(', ')}`)
      case 'backup':
        return show(`backup ${event.id}: ${Math.floor((100 * event.done) / Math.max(1, event.total))} %`)
      case 'planned':
        return
    }
  }
  return { onEvent, end: clear }
}
