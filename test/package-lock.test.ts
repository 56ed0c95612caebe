import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missingFromLock, PackageLock } from './package-lock.ts';
import { ROOT } from './run-command.ts';

describe('package-lock.json', () => {
  it('holds every package that it names, so that npm ci takes it (node test/mend-lock.ts mends it)', () => {
    const lock = PackageLock.parse(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')));
    expect(missingFromLock(lock)).toEqual([]);
  });

  it('finds what is missing, beside its parent and above it', () => {
    const lock = {
      packages: {
        '': { optionalDependencies: { here: '1', gone: '1' } },
        'node_modules/here': { optionalDependencies: { inner: '1', outer: '1', lost: '1' } },
        'node_modules/here/node_modules/inner': {},
        'node_modules/outer': {},
      },
    };
    expect(missingFromLock(lock)).toEqual([
      { parent: '', name: 'gone' },
      { parent: 'node_modules/here', name: 'lost' },
    ]);
  });
});
