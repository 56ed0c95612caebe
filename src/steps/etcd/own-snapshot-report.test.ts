import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEtcdSnapshotReport } from './own-snapshot-report.ts';

const REPORT = {
  path: '/var/lib/nightlift/snapshots/etcd-1.36.4-20261121T230102Z.db',
  bytes: 1_093_664,
  hash: 3_535_332_676,
  revision: 848,
  totalKeys: 335,
  keys: 335,
  restored: true,
  notRestoredWhy: '',
  takenAt: '2026-11-21T23:01:03Z',
  target: '1.36.4',
};
const line = (more: object = {}): string => `nightlift-snapshot\t${JSON.stringify({ ...REPORT, ...more })}`;

describe('parseEtcdSnapshotReport', () => {
  it('reads the line among others, and the last of several', () => {
    expect(parseEtcdSnapshotReport(`nightlift: taking\n${line()}\n`)).toEqual(REPORT);
    expect(parseEtcdSnapshotReport(`${line()}\n${line({ revision: 900 })}\nbye`)?.revision).toBe(900);
  });

  it('goes past a line that is not whole to the last one that is', () => {
    expect(parseEtcdSnapshotReport(`${line()}\n${line({ revision: -1 })}\nnightlift-snapshot\t{`)).toEqual(REPORT);
    expect(parseEtcdSnapshotReport(line({ bytes: 0, hash: 0, revision: 0, totalKeys: 0, keys: 0 }))?.bytes).toBe(0);
  });

  it('takes one without the proof by restoring', () => {
    const more = { keys: null, restored: false, notRestoredWhy: 'snapshot.restoreProof is off' };
    expect(parseEtcdSnapshotReport(line(more))).toMatchObject(more);
  });

  it.each([
    '',
    'nightlift-snapshot',
    'nightlift-snapshot\t',
    'nightlift-snapshot\t{}',
    'nightlift-snapshot\tnull',
    line().slice(0, -1),
    ` ${line()}`,
    `echo ${line()}`,
    line({ restored: 'yes' }),
    line({ keys: -1 }),
    line({ keys: 1.5 }),
    line({ hash: undefined }),
    line({ target: 7 }),
    line({ notRestoredWhy: null }),
    line({ path: '' }),
    line({ path: 'x/etcd.db' }),
    line({ bytes: -1 }),
    line({ bytes: '7' }),
    line({ revision: 1.5 }),
    line({ revision: 1e300 }),
    line({ path: 'etcd.db' }),
    line({ takenAt: 'yesterday' }),
  ])('I10 takes %j for no snapshot', (output) => {
    expect(parseEtcdSnapshotReport(output)).toBeUndefined();
  });

  it('never throws, and finds nothing in arbitrary text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((json) => `nightlift-snapshot\t${json}`),
        ),
        (output) => {
          expect(parseEtcdSnapshotReport(output)).toBeUndefined();
        },
      ),
    );
  });
});
