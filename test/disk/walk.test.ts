import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { globMatcher, globReaches } from '#moult/disk/glob.js'
import { hasData, walkClaim, walkDerived } from '#moult/disk/walk.js'
import { claimOf, makeRoot, put } from './tree.js'

test("[R5] a walk shows a store's own files, hidden ones too, and never moult's, the system's or another store's", async (t) => {
  const root = makeRoot(t)
  put(root, {
    's/a.json': '',
    's/.hidden': '',
    's/d/.h/x': '',
    's/.schema-version': '',
    's/.moult/x': '',
    's/.moult-run/in/0': '',
    's/d/.s.moult-run/x': '',
    's/.a.json.0a.moult-tmp': '',
    's/lost+found/x': '',
    's/d/.DS_Store': '',
    's/Thumbs.db': '',
    's/desktop.ini': '',
    's/skip/x': '',
    's/deep/skip/x': '',
    's/e.tmp': '',
    's/.emb/1.bin': '',
    's/other.db': '',
    's/other.db-wal': '',
    's/sub/x': '',
    's/subway': '',
  })
  fs.symlinkSync('/etc', join(root, 's/link'))
  execFileSync('mkfifo', [join(root, 's/pipe')])
  const claim = claimOf('s', {
    ignore: ['skip', '*.tmp'],
    derived: ['.emb/**'],
    others: ['other.db', 'other.db-wal', 'sub'],
  })
  const entries = await walkClaim(root, claim)
  assert.deepEqual(
    entries.map(({ path, kind }) => `${path} ${kind}`),
    ['.hidden file', 'a.json file', 'd/.h/x file', 'deep/skip/x file', 'link symlink', 'pipe special', 'subway file'],
  )
  assert.deepEqual(
    (await walkDerived(root, claim)).map(({ path }) => path),
    ['.emb/1.bin'],
  )
})

test('[R5] ignored names are no data, a missing directory has none, a symlink in the way is refused', async (t) => {
  const root = makeRoot(t)
  put(root, { 's/lost+found/x': '', 's/.emb/1.bin': '', 's/.schema-version': '', 's/.DS_Store': '', 'full/d/x': '' })
  assert.equal(hasData(root, claimOf('s', { derived: ['.emb/**'] })), false)
  assert.equal(hasData(root, claimOf('none/at/all')), false)
  assert.deepEqual(await walkClaim(root, claimOf('none')), [])
  assert.equal(hasData(root, claimOf('full')), true)
  assert.equal(hasData(root, claimOf('full', { files: ['*.json'] })), false)
  fs.symlinkSync(join(root, 'full'), join(root, 'link'))
  assert.throws(() => hasData(root, claimOf('link')), { code: 'FILE_UNSUPPORTED' })
  await assert.rejects(walkClaim(root, claimOf('link/d')), { code: 'FILE_UNSUPPORTED' })
})

test('[R5] [G8] line breaks in names hide nothing: not from files, not from ignore, not from derived', async (t) => {
  const root = makeRoot(t)
  const breaks = ['\n', '\r', '\u2028', '\u2029', 'a\nb', '\n.x', '.x\n']
  for (const name of breaks) {
    put(root, { [`s/${name}.json`]: '', [`s/${name}/${name}.json`]: '', [`s/d/${name}/e/x.json`]: '' })
    put(root, { [`s/${name}/tmp/${name}/x.json`]: '', [`s/${name}/.emb/${name}/x.bin`]: '' })
    const path = `${name}/${name}/${name}`
    for (const pattern of ['**/*', '*/**', '*/*/*', '**/*{,.json}', '+(*)/**', '!(x)/**', `**/${name}`]) {
      assert.ok(globMatcher(pattern)(path), JSON.stringify([pattern, name]))
      assert.ok(globReaches([pattern])(name), JSON.stringify([pattern, name]))
    }
  }
  const claim = claimOf('s', { files: ['**/*.json'], ignore: ['**/tmp/**'], derived: ['**/.emb/**'] })
  const expected = breaks.flatMap((name) => [`${name}.json`, `${name}/${name}.json`, `d/${name}/e/x.json`])
  assert.deepEqual(new Set((await walkClaim(root, claim)).map(({ path }) => path)), new Set(expected))
  assert.deepEqual(
    new Set((await walkDerived(root, claim)).map(({ path }) => path)),
    new Set(breaks.map((name) => `${name}/.emb/${name}/x.bin`)),
  )
})

test('[R5] globs take hidden names, and never miss a directory that can hold a match', () => {
  assert.ok(globMatcher('*.json')('.x.json'))
  assert.ok(!globMatcher('*.json')('d/x.json'))
  assert.ok(globMatcher('**/*.json')('x.json'))
  assert.ok(globMatcher('**/*.json')('.d/e/.x.json'))
  assert.ok(globMatcher(['a.md', 'b/**'])('b/.c/d'))
  assert.ok(!globMatcher([])('a'))
  assert.ok(!globMatcher('!a')('b'))
  const patterns = ['*.json', 'a/*/c', '**/z', 'q/**', '{m,n/o}/p', 'lit/eral', 'a?b/[cd]/*']
  const paths = ['x.json', 'a/b/c', 'deep/er/z', 'q/w/e/r', 'm/p', 'n/o/p', 'lit/eral', 'axb/c/y']
  for (const pattern of patterns) {
    for (const path of paths.filter(globMatcher(pattern))) {
      const names = path.split('/')
      for (let depth = 1; depth < names.length; depth += 1) {
        const directory = names.slice(0, depth).join('/')
        assert.ok(globReaches([pattern])(directory), `${pattern} reaches ${directory}`)
      }
    }
  }
  assert.ok(!globReaches(['*.json'])('d'))
  assert.ok(!globReaches(['q/**'])('r'))
})
