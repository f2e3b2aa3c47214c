import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hello, runScript } from '#moult/disk/run-script.js'
import { temporaryFolder } from '../support/footprint.js'

test('[P1] a script answers after a greeting; what never greets, as an app that starts once more, is ended and not tried again', async (t) => {
  const folder = temporaryFolder(t)
  const script = (name: string, text: string): string => {
    const path = join(folder, `${name}.cjs`)
    writeFileSync(path, text)
    return path
  }
  const echo = script(
    'echo',
    `process.stdout.write('${hello}'); process.stdin.on('data', (text) => process.stdout.write(text))`,
  )
  assert.equal((await runScript(echo, [], { input: 'what came in' })).toString(), 'what came in')
  assert.equal((await runScript(script('silent', `process.stdout.write('${hello}')`), [])).length, 0)
  await assert.rejects(runScript(script('rude', "process.stdout.write('{}')"), []))
  await assert.rejects(runScript(script('failing', `process.stdout.write('${hello}'); process.exitCode = 3`), []))
  const stop = new AbortController()
  const stopped = runScript(script('slow', `process.stdout.write('${hello}'); setInterval(() => {}, 1e6)`), [], {
    signal: stop.signal,
  })
  stop.abort()
  await assert.rejects(stopped)
  const app = script('app', "console.log('The app is starting'); setInterval(() => {}, 1e6)")
  await assert.rejects(runScript(app, [], { helloMs: 1000 }))
  const startedAt = performance.now()
  await assert.rejects(runScript(echo, []), /cannot be run/)
  assert.ok(performance.now() - startedAt < 1000)
})
