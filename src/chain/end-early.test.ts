import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../test/support/clusters.ts';
import { exampleJob, exampleWorld, type WorldOptions } from '../../test/support/example-deps.ts';
import { AWAY } from '../../test/support/example-phase.ts';
import { NightliftError } from '../errors.ts';
import type { Finding } from '../gate/finding.ts';
import { observe } from '../observe/observe.ts';
import type { TakenBack } from './compose-event.ts';
import { createContext } from './context.ts';
import { endEarly } from './end-early.ts';
import { Paused, Refused } from './outcome.ts';
import type { Step } from './step.ts';

const WORKER: Step = { phase: 'worker', node: 'worker-1' };
const JOB = 'k8s-upgrade-worker-1-36-4-worker-1';

function bench(options: WorldOptions = {}, step: Step = WORKER, takenBack: readonly TakenBack[] = []) {
  const world = exampleWorld({ nodes: [controlPlane('cp-1', TARGET), worker('worker-1')], ...options });
  const stop = new AbortController();
  const end = (error: unknown) => endEarly(createContext(step, TARGET, world.deps, stop.signal), error, takenBack);
  const stopped = () => world.annotations.get('nightlift/k8s-upgrade-stopped');
  const said = () => world.seen.messages.map(({ text }) => text.split('\n')[0]);
  return { world, stop, end, stopped, said };
}

function finding(kind: Finding['class'], fields: Partial<Finding> = {}): Finding {
  return { check: 'made-up', reason: 'InTheWay', class: kind, severity: 'block', message: `${kind} thing`, ...fields };
}

describe('the record of a phase that stopped', () => {
  it.each([
    [new Paused('holidays'), 'paused'],
    [new Refused([finding('actionable')]), 'blocked'],
    [new Refused([finding('waiting')]), 'held'],
  ] as const)('says in which step, as what, and what is put back: %s', async (error, as) => {
    const { world, end } = bench({}, WORKER, [
      { what: 'cordon', failed: false },
      { what: 'quiesce', failed: true },
    ]);
    await end(error);
    const { run } = await observe(world.deps, ['run'], new AbortController().signal);
    expect(run).toMatchObject({
      value: { stoppedAs: as, stoppedStep: 'worker worker-1', takenBack: ['cordon'] },
    });
  });
});

describe('a phase that is paused', () => {
  it('ends with the reason, which is recorded and said at once, and its gauges say that it waits', async () => {
    const { world, end, stopped } = bench();
    expect(await end(new Paused('the kill switch is engaged: holidays'))).toEqual({
      kind: 'paused',
      reason: 'the kill switch is engaged: holidays',
    });
    expect(stopped()).toBe('paused in worker worker-1: the kill switch is engaged: holidays');
    expect(world.annotations.get('nightlift/k8s-upgrade-stopped-at')).toBe('2026-11-21T23:00:00.000Z');
    expect(world.seen.messages.map(({ text }) => text)).toEqual([
      [
        '*🛑 PAUSED — worker worker-1 for 1.36.4*',
        'the kill switch is engaged: holidays.',
        '`nightlift status` shows where it stands; the next run after `nightlift resume` goes on from there.',
      ].join('\n'),
    ]);
    expect(world.seen.gauges).toEqual(new Map([['k8s_upgrade_paused', 1]]));
    expect(world.seen.log).toContainEqual({
      level: 'warn',
      message: 'paused',
      fields: { reason: 'the kill switch is engaged: holidays' },
    });
  });
});

/** Of an earlier night. */
const NOTHING_REFUSED = new Map([
  ['k8s_upgrade_blocked', 0],
  ['k8s_upgrade_held', 0],
  ['k8s_upgrade_findings', 0],
]);

describe('a phase that is refused', () => {
  const BLOCKED = '*🔴 BLOCKED (action needed) — 1.36.4*';
  it.each<[string, Finding[], 'blocked' | 'held', number, number, string[]]>([
    ['is blocked by what somebody can act on, and tells them', [finding('actionable')], 'blocked', 1, 0, [BLOCKED]],
    ['I19 is held by what has to be waited for, and wakes nobody', [finding('waiting')], 'held', 0, 1, []],
    ['I19 is held by a pin, and wakes nobody', [finding('pinned')], 'held', 0, 1, []],
    [
      'I19 D12 is held and quiet, also when something can be done meanwhile',
      [finding('waiting'), finding('actionable')],
      'held',
      0,
      1,
      [],
    ],
  ])('%s', async (_, findings, verdict, blocked, held, messages) => {
    const { world, end, stopped, said } = bench();
    expect(await end(new Refused(findings))).toEqual({ kind: 'refused', verdict, findings });
    expect(world.seen.gauges).toEqual(
      new Map([
        ['k8s_upgrade_blocked', blocked],
        ['k8s_upgrade_held', held],
        ['k8s_upgrade_findings', 1],
      ]),
    );
    expect(said()).toEqual(messages);
    expect(stopped()).toBe(`${verdict} in worker worker-1: ${findings.map(({ message }) => message).join('; ')}`);
  });

  it('names in its message what is in the way and what was taken back', async () => {
    const { world, stop } = bench();
    const context = createContext(WORKER, TARGET, world.deps, stop.signal);
    await endEarly(context, new Refused([finding('actionable', { remedy: 'Move it.' })]), [
      { what: 'drain', failed: true },
    ]);
    expect(world.seen.messages[0]?.text.split('\n').slice(1)).toEqual([
      'What worker worker-1 had begun was taken back: drain (that failed; the next Job tries again). Nodes that are on 1.36.4 stay on it. It is looked at again every night.',
      '*Action needed:*',
      '• actionable thing. Move it.',
    ]);
  });

  it('has every finding and the verdict in its log', async () => {
    const { world, end } = bench();
    await end(new Refused([finding('waiting'), finding('actionable')]));
    expect(world.seen.log.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'waiting thing',
      'actionable thing',
    ]);
    expect(world.seen.log).toContainEqual({ level: 'warn', message: 'refused', fields: { verdict: 'held' } });
  });
});

describe('a phase that fails', () => {
  it('records and says what failed and what to do, and fails with the same error', async () => {
    const error = new NightliftError('node', 'upgrading worker-1: kubeadm ended with 1', {
      remedy: 'See its journal.',
    });
    const { world, end, stopped } = bench();
    await expect(end(error)).rejects.toBe(error);
    expect(stopped()).toBe('failed in worker worker-1: upgrading worker-1: kubeadm ended with 1');
    expect(world.seen.messages.map(({ text }) => text)).toEqual([
      [
        '*🔴 FAILED — worker worker-1 for 1.36.4*',
        'upgrading worker-1: kubeadm ended with 1',
        'What to do: See its journal.',
      ].join('\n'),
    ]);
    expect(world.seen.gauges).toEqual(NOTHING_REFUSED);
  });

  it('says of a fault that nobody foresaw where to look', async () => {
    const error = new TypeError('x is not a function');
    const { world, end } = bench();
    await expect(end(error)).rejects.toBe(error);
    expect(world.seen.messages[0]?.text.split('\n').slice(1)).toEqual([
      'x is not a function',
      "What to do: read the Job's log, mend the cause, then start the detection again or wait for the night.",
    ]);
  });

  it('says and records nothing when the process is stopped from outside', async () => {
    const { world, stop, end } = bench();
    const error = new Error('stopped by SIGTERM');
    stop.abort(error);
    await expect(end(error)).rejects.toBe(error);
    expect(world.annotations).toEqual(new Map());
    expect(world.seen.messages).toEqual([]);
  });
});

describe('a failure that is worth another try', () => {
  const network = new NightliftError('network', 'opening ssh to worker-1: timed out');
  const FAILED = '*🔴 FAILED — worker worker-1 for 1.36.4*';

  it.each<[string, number | undefined, string[]]>([
    ['wakes nobody while the Job has retries left', 1, []],
    ['wakes nobody when it is not known how many are left', undefined, []],
    ['is said by the last try', 0, [FAILED]],
  ])('%s', async (_, retriesLeft, messages) => {
    const { world, end, stopped, said } = bench();
    world.jobs.set(JOB, exampleJob(JOB, retriesLeft === undefined ? {} : { retriesLeft }));
    await expect(end(network)).rejects.toBe(network);
    expect(said()).toEqual(messages);
    expect(stopped()).toBe('failed in worker worker-1: opening ssh to worker-1: timed out');
  });

  it("knows the first control plane's Job, which has no node in its name", async () => {
    const { world, end, said } = bench({}, { phase: 'master', node: 'cp-1' });
    world.jobs.set('k8s-upgrade-master-1-36-4', exampleJob('k8s-upgrade-master-1-36-4', { retriesLeft: 0 }));
    await expect(end(AWAY)).rejects.toBe(AWAY);
    expect(said()).toEqual(['*🔴 FAILED — master cp-1 for 1.36.4*']);
  });

  it.each<[string, WorldOptions]>([
    ['there is no Job', {}],
    ['the Job cannot be read', { cluster: { job: () => Promise.reject(AWAY) } }],
    [
      'it was not started by a Job',
      { deps: { inCluster: false }, cluster: { job: async () => exampleJob(JOB, { retriesLeft: 0 }) } },
    ],
  ])('is left to the morning report when %s', async (_, options) => {
    const { end, said } = bench(options);
    await expect(end(network)).rejects.toBe(network);
    expect(said()).toEqual([]);
  });

  it('does not keep a process that is stopped waiting for the look at its Job', async () => {
    const { stop, end, said } = bench({
      cluster: {
        nodes: (signal) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new Error('stopped by SIGTERM')));
            stop.abort(new Error('stopped by SIGTERM'));
          }),
      },
    });
    await expect(end(network)).rejects.toBe(network);
    expect(said()).toEqual([]);
  });
});
