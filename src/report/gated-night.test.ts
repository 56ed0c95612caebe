import { describe, expect, it } from 'vitest';
import { exampleChain, exampleNight, exampleRunning, hoursBefore, jobAt } from '../../test/support/example-night.ts';
import { exampleFacts } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import type { GateResult } from '../gate/finding.ts';
import { known, unknown } from '../observed.ts';
import { gated } from './gated-night.ts';
import type { Night } from './night.ts';

const TARGET = '1.36.4';
const gate = (verdict: GateResult['verdict']): GateResult => ({ target: TARGET, verdict, findings: [], notAsked: [] });
const on = (name: string): Pick<Facts, 'gauges'> => ({ gauges: known([{ name, labels: {}, value: 1 }]) });
const NO_RUN = { startedAt: null, target: null, snapshotPath: null };
const stopped: Pick<Facts, 'run'> = {
  run: known({
    startedAt: null,
    target: null,
    snapshotPath: null,
    stopped: 'blocked in preflight: worker-2 is not Ready',
    stoppedAt: hoursBefore(1),
  }),
};
const finishedBefore = known(exampleChain({ recent: [jobAt('postflight', 9)], finished: ['1.36.3'] }));
const BEFORE = 'Before that, all nodes went to 1.36.3.';
const GONE = 'The last run was refused for a reason that is not there now.';
const AGAIN = 'The next run tries again.';
const BLOCKED = '🔴 BLOCKED (action needed) — 1.36.4';
const HELD = '⏸️ HELD — 1.36.4 not yet upgradable';
const PASSED = '🟡 IN PROGRESS / gate passed for 1.36.4';
const NOTHING_RUNS = 'Nothing is running now; the next run starts it.';

describe('a night with a target', () => {
  const rows: { title: string; night: Partial<Night>; want: [string, string, ...string[]] | undefined }[] = [
    { title: 'is none without one', night: { target: null, gate: gate('blocked') }, want: undefined },
    {
      title: 'is none when everything runs the target already',
      night: { running: known(exampleRunning({ uniform: TARGET })), gate: gate('blocked') },
      want: undefined,
    },
    { title: 'is blocked by the gate', night: { gate: gate('blocked') }, want: ['blocked', BLOCKED] },
    { title: 'is held by the gate', night: { gate: gate('held') }, want: ['held', HELD] },
    { title: 'has passed the gate', night: { gate: gate('safe') }, want: ['in-progress', PASSED, NOTHING_RUNS] },
    {
      title: 'has passed the gate as far as it was asked, and says what was not',
      night: {
        gate: {
          ...gate('safe'),
          notAsked: [
            { check: 'disk-room', missing: ['surveys'] },
            { check: 'certificates', missing: ['surveys'] },
            { check: 'permissions', missing: ['permissions'] },
            { check: 'stuck-pods', missing: ['leavingPods'] },
          ],
        },
      },
      want: [
        'in-progress',
        PASSED,
        NOTHING_RUNS,
        'Not asked here, but before its first change: what the nodes say of themselves, its permissions, leavingPods.',
      ],
    },
    {
      title: 'has passed the gate although the versions are unknown',
      night: { gate: gate('safe'), running: unknown('refused') },
      want: ['in-progress', PASSED, NOTHING_RUNS],
    },
    {
      title: 'I14 is unknown when the gate was not asked',
      night: {},
      want: ['unknown', '❔ UNKNOWN — 1.36.4 was found, but the gate was not asked'],
    },
    {
      title: 'was held by the last run, for a reason that is gone',
      night: { gate: gate('safe'), facts: exampleFacts(on('k8s_upgrade_held')) },
      want: ['held', HELD, GONE, AGAIN],
    },
    {
      title: 'was blocked by the last run, for a reason that is gone',
      night: { gate: gate('safe'), facts: exampleFacts(on('k8s_upgrade_blocked')) },
      want: ['blocked', BLOCKED, GONE, AGAIN],
    },
    {
      title: 'was blocked by the last run, whatever the gate was not asked',
      night: { facts: exampleFacts(on('k8s_upgrade_blocked')) },
      want: ['blocked', BLOCKED, GONE, AGAIN],
    },
    {
      title: 'was blocked by the gate, whatever held the last run',
      night: { gate: gate('blocked'), facts: exampleFacts(on('k8s_upgrade_held')) },
      want: ['blocked', BLOCKED],
    },
    {
      title: 'was refused by a preflight that wrote down nothing',
      night: {
        facts: exampleFacts(on('k8s_upgrade_blocked')),
        chain: known(exampleChain({ recent: [jobAt('preflight', 3), jobAt('master', 2)] })),
      },
      want: [
        'blocked',
        BLOCKED,
        GONE,
        'The next run tries again. The log: `kubectl -n upgrades logs job/k8s-upgrade-preflight-1-36-4`.',
      ],
    },
    {
      title: 'was refused by the last preflight, which says why',
      night: {
        facts: exampleFacts({ ...on('k8s_upgrade_blocked'), ...stopped }),
        chain: known(exampleChain({ recent: [jobAt('preflight', 5, { name: 'first' }), jobAt('preflight', 3)] })),
      },
      want: [
        'blocked',
        BLOCKED,
        'The run stopped, blocked in preflight: worker-2 is not Ready.',
        'The next run tries again. The log: `kubectl -n upgrades logs job/k8s-upgrade-preflight-1-36-4`.',
      ],
    },
    {
      title: 'does not tell the note of a run without a preflight',
      night: {
        facts: exampleFacts({ ...on('k8s_upgrade_blocked'), ...stopped }),
        chain: known(exampleChain({ recent: [jobAt('master', 3)] })),
      },
      want: ['blocked', BLOCKED, GONE, AGAIN],
    },
    {
      title: 'tells what detection has found on a node',
      night: {
        facts: exampleFacts({
          ...on('k8s_upgrade_blocked'),
          run: known({
            ...NO_RUN,
            stopped: 'before it was begun: worker-2 is another machine',
            stoppedAt: hoursBefore(1),
          }),
        }),
      },
      want: ['blocked', BLOCKED, 'The run stopped, before it was begun: worker-2 is another machine.', AGAIN],
    },
    {
      title: 'has no log to name when the chain Jobs are unknown',
      night: { facts: exampleFacts({ ...on('k8s_upgrade_blocked'), ...stopped }), chain: unknown('refused') },
      want: ['blocked', BLOCKED, GONE, AGAIN],
    },
  ];
  it.each(rows)('$title', ({ night, want }) => {
    const [outcome, headline, ...notes] = want ?? [];
    expect(gated(exampleNight({ target: TARGET, ...night }))).toEqual(
      want === undefined ? undefined : { outcome, headline, notes },
    );
  });
});

describe('a night with a target and without a detector', () => {
  const LOOK = 'See why it does not run: `kubectl -n upgrades describe cronjob k8s-version-check`.';
  const SAID = 'So said the detector 2 d 7 h ago, and it has not run since. Asked just now, nothing refuses.';
  const stale = { ...exampleNight().detector, ageMs: known(55 * 3_600_000), fresh: false };
  it.each<{ title: string; night: Partial<Night>; want: [string, string, ...string[]] }>([
    {
      title: 'is not in progress',
      night: { gate: gate('safe') },
      want: ['unknown', '❔ UNKNOWN — nobody starts 1.36.4: the detector has not run for 2 d 7 h', LOOK],
    },
    {
      title: 'is blocked, as it said last',
      night: { gate: gate('safe'), facts: exampleFacts(on('k8s_upgrade_blocked')) },
      want: ['blocked', BLOCKED, SAID, LOOK],
    },
    {
      title: 'is held, as it said last',
      night: { gate: gate('safe'), facts: exampleFacts(on('k8s_upgrade_held')) },
      want: ['held', HELD, SAID, LOOK],
    },
    { title: 'is what the gate says now', night: { gate: gate('blocked') }, want: ['blocked', BLOCKED] },
  ])('$title', ({ night, want }) => {
    const [outcome, headline, ...notes] = want;
    expect(gated(exampleNight({ target: TARGET, detector: stale, ...night }))).toEqual({ outcome, headline, notes });
  });

  it('may be in progress when nobody knows whether the detector runs', () => {
    const detector = { ...stale, ageMs: unknown('there is no Pushgateway') };
    expect(gated(exampleNight({ target: TARGET, detector, gate: gate('safe') }))?.outcome).toBe('in-progress');
  });
});

describe('what was finished before it on the same day', () => {
  it.each<{ title: string; night: Partial<Night>; notes: string[] }>([
    { title: 'after a gate that blocks', night: { gate: gate('blocked') }, notes: [BEFORE] },
    { title: 'after a gate that holds', night: { gate: gate('held') }, notes: [BEFORE] },
    { title: 'after a gate that passed', night: { gate: gate('safe') }, notes: [NOTHING_RUNS, BEFORE] },
    {
      title: 'after a run that was refused',
      night: { facts: exampleFacts(on('k8s_upgrade_held')) },
      notes: [GONE, AGAIN, BEFORE],
    },
    {
      title: 'not when the nodes run something else by now',
      night: { gate: gate('held'), running: known(exampleRunning({ uniform: '1.36.2' })) },
      notes: [],
    },
    {
      title: 'not when the nodes differ',
      night: { gate: gate('held'), running: known(exampleRunning({ uniform: null })) },
      notes: [],
    },
    {
      title: 'not when nobody knows what they run',
      night: { gate: gate('held'), running: unknown('refused') },
      notes: [],
    },
    {
      title: 'not when nobody knows the chain Jobs',
      night: { gate: gate('held'), chain: unknown('refused') },
      notes: [],
    },
  ])('is said $title', ({ night, notes }) => {
    expect(gated(exampleNight({ target: TARGET, chain: finishedBefore, ...night }))?.notes).toEqual(notes);
  });
});
