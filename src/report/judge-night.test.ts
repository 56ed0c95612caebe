import { describe, expect, it } from 'vitest';
import {
  exampleChain,
  exampleNight,
  exampleRunning,
  HALF_DONE,
  hoursBefore,
  jobAt,
} from '../../test/support/example-night.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import type { GateResult } from '../gate/finding.ts';
import { known, unknown } from '../observed.ts';
import type { DetectorState } from './detector.ts';
import { judgeNight } from './judge-night.ts';
import type { Night } from './night.ts';

type Row = { title: string; night: Partial<Night>; want: [string, string, ...string[]] };

function judges(rows: readonly Row[]): void {
  it.each(rows)('$title', ({ night, want: [outcome, headline, ...notes] }) => {
    expect(judgeNight(exampleNight(night))).toEqual({ outcome, headline, notes });
  });
}

const detector = (fields: Partial<DetectorState>): Pick<Night, 'detector'> => ({
  detector: { ...exampleNight().detector, ...fields },
});
const switched = (killSwitch: Facts['killSwitch']): Pick<Night, 'facts'> => ({ facts: exampleFacts({ killSwitch }) });
const notDrained = (target: string): Facts => {
  const none = { startedAt: null, target: null, snapshotPath: null, stopped: null, stoppedAt: null };
  return exampleFacts({ run: known({ ...none, notDrained: target }) });
};
const HALF = 'Half-done: 1 of 3 nodes on 1.36.4, 2 still on older versions.';
const atWork = jobAt('worker', 1, { status: 'active', node: 'worker-2', finishedAt: null });

describe('a paused night', () => {
  const UNTIL = 'Nothing starts and nothing goes on until `nightlift resume`.';
  judges([
    {
      title: 'says why, and what is half-done',
      night: { ...switched(known({ engaged: true, reason: 'holidays' })), running: known(HALF_DONE) },
      want: ['paused', '🛑 PAUSED — holidays', HALF, UNTIL],
    },
    {
      title: 'says when no reason was given',
      night: switched(known({ engaged: true, reason: '' })),
      want: ['paused', '🛑 PAUSED — no reason given', UNTIL],
    },
    {
      title: 'D06 is one when the kill switch cannot be read',
      night: switched(unknown('forbidden')),
      want: ['paused', '🛑 PAUSED — the kill switch could not be read, which counts as engaged: forbidden', UNTIL],
    },
    {
      title: 'comes before all that is unknown and before a Job at work',
      night: {
        ...switched(known({ engaged: true, reason: 'holidays' })),
        running: unknown('refused'),
        chain: known(exampleChain({ active: [atWork] })),
      },
      want: ['paused', '🛑 PAUSED — holidays', UNTIL],
    },
  ]);
});

describe('a night with a Job at work', () => {
  judges([
    {
      title: 'names the last of them',
      night: { chain: known(exampleChain({ active: [jobAt('preflight', 2, { status: 'active' }), atWork] })) },
      want: ['in-progress', '🟡 IN PROGRESS / gate passed for 1.36.4', 'Running now: worker worker-2.'],
    },
    {
      title: 'is in progress although an earlier Job failed and the versions are unknown',
      night: {
        chain: known(exampleChain({ active: [atWork], failed: jobAt('master', 3, { status: 'failed' }) })),
        running: unknown('refused'),
      },
      want: ['in-progress', '🟡 IN PROGRESS / gate passed for 1.36.4', 'Running now: worker worker-2.'],
    },
  ]);
});

describe('a Job that is at work for longer than a night', () => {
  const createdAt = hoursBefore(51);
  judges([
    {
      title: 'is no progress',
      night: { chain: known(exampleChain({ active: [{ ...atWork, createdAt }] })) },
      want: [
        'failed',
        '🔴 FAILED — worker worker-2 for 1.36.4 has not ended for 2 d 3 h',
        'See what it waits for: `kubectl -n upgrades describe job/k8s-upgrade-worker-1-36-4`.',
      ],
    },
  ]);
});

describe('D23 a night of which something is unknown', () => {
  judges([
    {
      title: 'says that the versions are',
      night: { running: unknown('the nodes are away') },
      want: ['unknown', '❔ UNKNOWN — the running versions could not be read', 'the nodes are away.'],
    },
    {
      title: 'says that the chain Jobs are',
      night: { chain: unknown('forbidden') },
      want: ['unknown', '❔ UNKNOWN — the chain Jobs could not be read', 'forbidden.'],
    },
  ]);
});

describe('a night after which all nodes run the version', () => {
  const UPGRADED = '🟢 UPGRADED — all nodes now on 1.36.4';
  const running = known(exampleRunning({ uniform: '1.36.4' }));
  const run = [jobAt('preflight', 6), jobAt('postflight', 4)];
  const finished = known(exampleChain({ recent: run, finished: ['1.36.4'] }));
  const next = (fields: Parameters<typeof jobAt>[2] = {}) =>
    known(
      exampleChain({ recent: [...run, jobAt('preflight', 1, { target: '1.36.5', ...fields })], finished: ['1.36.4'] }),
    );
  const found = (target: string | null, fresh = true) =>
    detector({ fresh, detected: known({ kind: target === null ? 'none' : 'patch', target }) });
  const gate: GateResult = { target: '1.36.5', verdict: 'held', findings: [], notAsked: [] };
  const HELD = '⏸️ HELD — 1.36.5 not yet upgradable';
  const BEFORE = 'Before that, all nodes went to 1.36.4.';

  judges([
    {
      title: 'is green when its postflight completed',
      night: { running, chain: finished },
      want: ['upgraded', UPGRADED],
    },
    {
      title: 'says that nodes were not drained, with what that risked',
      night: { running, chain: finished, facts: notDrained('1.36.4') },
      want: [
        'upgraded',
        UPGRADED,
        expect.stringMatching(/^Nodes were not drained \(drain\.mode is patch-without\): pods/),
      ],
    },
    {
      title: 'does not say so of another version',
      night: { running, chain: finished, facts: notDrained('1.36.3') },
      want: ['upgraded', UPGRADED],
    },
    {
      title: 'is green when the last look found just this version',
      night: { running, ...found('1.36.4') },
      want: ['upgraded', UPGRADED],
    },
    {
      title: 'is not green by the word of a stale look',
      night: { running, ...found('1.36.4', false) },
      want: ['nothing', '⚪ No upgrade needed'],
    },
    {
      title: 'is not green when the last look found another version, and no postflight completed',
      night: { running, ...found('1.36.3') },
      want: ['nothing', '⚪ No upgrade needed'],
    },
    {
      title: 'is not green by a look that cannot be read',
      night: { running, ...detector({ detected: unknown('refused') }) },
      want: ['nothing', '⚪ No upgrade needed'],
    },
    {
      title: 'is not green by the postflight of another version',
      night: { running, chain: known(exampleChain({ finished: ['1.36.3'] })) },
      want: ['nothing', '⚪ No upgrade needed'],
    },
    {
      title: 'is green although the next version is held, which comes after it',
      night: { running, chain: finished, target: '1.36.5', gate },
      want: ['upgraded', UPGRADED],
    },
    {
      title: 'is that of the next run when its preflight has ended without a change',
      night: { running, chain: next(), target: '1.36.5', gate },
      want: ['held', HELD, BEFORE],
    },
    {
      title: 'is green when the preflight after it was for something else than what is looked for now',
      night: { running, chain: next(), target: '1.36.6', gate },
      want: ['upgraded', UPGRADED],
    },
    {
      title: 'is green when nothing is looked for and nothing came after it',
      night: { running, chain: finished, target: null },
      want: ['upgraded', UPGRADED],
    },
    {
      title: 'is green when the last preflight did not complete',
      night: { running, chain: next({ status: 'deleting' }), target: '1.36.5', gate },
      want: ['upgraded', UPGRADED],
    },
    {
      title: 'is green when what came last is no preflight',
      night: { running, chain: next({ phase: 'postflight' }), target: '1.36.5', gate },
      want: ['upgraded', UPGRADED],
    },
    {
      title: 'is green when the last preflight was for this version',
      night: {
        running,
        chain: known(exampleChain({ recent: [jobAt('preflight', 1)], finished: ['1.36.4'] })),
        target: '1.36.4',
        gate,
      },
      want: ['upgraded', UPGRADED],
    },
    {
      title: 'is not green when the versions differ and the last look found nothing',
      night: { running: known(exampleRunning({ uniform: null })), ...found(null) },
      want: ['nothing', '⚪ No upgrade needed'],
    },
    {
      title: 'is not green while an API server or a node differs',
      night: {
        running: known(exampleRunning({ uniform: null })),
        chain: finished,
        choice: { kind: 'unknown', why: 'no SSH key' },
        ...detector({ fresh: false }),
      },
      want: ['unknown', '❔ UNKNOWN — nobody could find out whether there is a new version', 'no SSH key.'],
    },
  ]);
});

describe('a quiet night', () => {
  const NEEDED = '⚪ No upgrade needed';
  const CANNOT = '❔ UNKNOWN — what the last run found cannot be read';
  const NOBODY = '❔ UNKNOWN — nobody could find out whether there is a new version';
  const away = detector({ ageMs: unknown('no last run'), fresh: false, detected: unknown('no result') });
  const blind = { choice: { kind: 'unknown', why: 'no SSH key' } } as const;
  const silent = { choice: { kind: 'unknown', why: '' } } as const;

  judges([
    { title: 'is one when a look just now found nothing', night: {}, want: ['nothing', NEEDED] },
    {
      title: 'is one by that look when the detector has not looked',
      night: detector({ fresh: false }),
      want: ['nothing', NEEDED],
    },
    {
      title: 'is one by that look when only what the detector found is missing',
      night: detector({ detected: unknown('no result') }),
      want: ['nothing', NEEDED],
    },
    {
      title: 'is one by that look when only the age of the look is missing',
      night: detector({ ageMs: unknown('no last run'), fresh: false }),
      want: ['nothing', NEEDED],
    },
    { title: 'is one by the word of a fresh detector', night: blind, want: ['nothing', NEEDED] },
    {
      title: 'is not one by the word of a stale detector',
      night: { ...blind, ...detector({ fresh: false }) },
      want: ['unknown', NOBODY, 'no SSH key.'],
    },
    {
      title: 'is not one when the detector found nothing out',
      night: { ...blind, ...detector({ detected: unknown('no result') }) },
      want: ['unknown', NOBODY, 'no SSH key.'],
    },
    {
      title: 'is not one when the detector found something that nobody asked the gate for',
      night: { ...blind, ...detector({ detected: known({ kind: 'patch', target: '1.36.4' }) }) },
      want: ['unknown', NOBODY, 'no SSH key.'],
    },
    {
      title: 'says where to read why, when nobody looked just now',
      night: { ...silent, ...detector({ fresh: false }) },
      want: [
        'unknown',
        NOBODY,
        "Read why: `kubectl -n upgrades logs -l app=k8s-version-upgrade --tail=-1 | grep -E 'could not read|looked for'`.",
      ],
    },
    {
      title: 'is unknown when nothing of the last look can be read, and says what a look just now found',
      night: away,
      want: ['unknown', CANNOT, 'no last run.', 'A look just now found nothing newer.'],
    },
    {
      title: 'is unknown when neither look can be read',
      night: { ...away, ...blind },
      want: ['unknown', CANNOT, 'no last run.', 'A look just now found nothing out: no SSH key.'],
    },
    {
      title: 'is unknown when nothing can be read and nobody looked just now',
      night: { ...away, ...silent },
      want: ['unknown', CANNOT, 'no last run.'],
    },
  ]);
});

describe('the worst of a night', () => {
  const running = known(exampleRunning({ uniform: '1.36.4' }));
  judges([
    {
      title: 'is a failure, before an upgrade that ended well',
      night: {
        running,
        chain: known(exampleChain({ finished: ['1.36.4'], failed: jobAt('worker', 3, { status: 'failed' }) })),
      },
      want: [
        'failed',
        '🔴 FAILED — worker for 1.36.4',
        'Read why: `kubectl -n upgrades logs job/k8s-upgrade-worker-1-36-4`. The next run replaces the Job and goes on from there, unless the gate refuses it.',
      ],
    },
    {
      title: 'is a refusal, before a look that found nothing',
      night: { target: '1.36.4', gate: { target: '1.36.4', verdict: 'blocked', findings: [], notAsked: [] } },
      want: ['blocked', '🔴 BLOCKED (action needed) — 1.36.4'],
    },
  ]);
});
