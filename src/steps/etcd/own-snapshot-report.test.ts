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
