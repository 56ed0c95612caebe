import { describe, expect, it } from 'vitest';
import { parseSnapshotLog } from './snapshot-log.ts';

describe('parseSnapshotLog', () => {
  it.each([
    ['Backup done: /backup/etcd-20261120.db (52428800 bytes)', { file: '/backup/etcd-20261120.db', bytes: 52428800 }],
    ['saving\n  Backup done: /b/a (1 bytes)  \nbye\n', { file: '/b/a', bytes: 1 }],
    ['Backup done: /b/with a space (old).db (7 bytes)\r\n', { file: '/b/with a space (old).db', bytes: 7 }],
    ['Backup done: /b/first (1 bytes)\nBackup done: /b/last (2 bytes)', { file: '/b/last', bytes: 2 }],
    ['Backup done: /b/a (1 bytes)\nBackup done: /b/b (many bytes)', { file: '/b/a', bytes: 1 }],
    ['Backup done: a (1 bytes)', { file: 'a', bytes: 1 }],
    ['Backup done: /b/a (9007199254740991 bytes)', { file: '/b/a', bytes: Number.MAX_SAFE_INTEGER }],
    ['Backup done: /b/a (0 bytes)', { file: '/b/a', bytes: 0 }],
  ])('reads %j', (log, expected) => {
    expect(parseSnapshotLog(log)).toEqual(expected);
  });

  it.each([
    '',
    'Backup done',
    'Backup done: /b/a (3 bytes) not really',
    'Backup done: /b/a (3x bytes)',
    'Backup done: /b/a ( bytes)',
    'Backup done: /b/a (9007199254740992 bytes)',
    'Backup done: /b/a',
    'Backup done: /b/a (many bytes)',
    'Backup done:  (3 bytes)',
    'Backup done: /b/a (-1 bytes)',
    'echo "Backup done: /b/a (3 bytes)"',
    'Backup done: /b/a (99999999999999999999 bytes)',
  ])('I10 takes %j for no snapshot', (log) => {
    expect(parseSnapshotLog(log)).toBeUndefined();
  });
});
