import { describe, expect, it } from 'vitest';
import { controlPlane, finished, TARGET, worker } from '../../test/support/clusters.ts';
import { exampleJob, exampleWorld, type WorldOptions } from '../../test/support/example-deps.ts';
import { AWAY, engageKillSwitch, exampleAction, examplePhase, replaceNode } from '../../test/support/example-phase.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { LockLost, NightliftError } from '../errors.ts';
import type { Check } from '../gate/check.ts';
import type { Finding } from '../gate/finding.ts';
import { type Outcome, Refused } from './outcome.ts';
import type { ActionStep, Phase } from './phase.ts';
import { runPhase } from './run-phase.ts';
import { nodeOf, type Step } from './step.ts';

const WORKER: Step = { phase: 'worker', node: 'worker-1' };
const OWN_JOB = 'k8s-upgrade-worker-1-36-4-worker-1';
const NEXT_JOB = 'k8s-upgrade-worker-1-36-4-worker-2';
const ADVANCED: Outcome = { kind: 'advanced', next: { phase: 'worker', node: 'worker-2' }, job: NEXT_JOB };
const IN_WAY: Finding = {
  check: 'made-up',
  reason: 'InTheWay',
  class: 'actionable',
  severity: 'block',
  message: 'something is in the way',
  remedy: 'Move it.',
};

const NIGHT = [controlPlane('cp-1', TARGET), worker('worker-1'), worker('worker-2')];
const READS: Partial<Cluster> = {
  node: async (name) => NIGHT.find((node) => node.name === name),
  controlPlanes: async () => NIGHT.filter(({ role }) => role === 'control-plane'),
  outlines: async () => NIGHT,
};

/** The night in which worker-1 is next. */
function bench(options: WorldOptions = {}) {
  const world = exampleWorld({
    nodes: [controlPlane('cp-1', TARGET), worker('worker-1'), worker('worker-2')],
    ...options,
  });
  const calls: string[] = [];
  const stop = new AbortController();
  const action = (name: string, fields: Partial<ActionStep> = {}): ActionStep => exampleAction(name, calls, fields);
  /** Leaves the node as an upgrade leaves it. */
  const upgrade = action('upgrade', {
    run: async () => {
      calls.push('run upgrade');
      replaceNode(world, finished(worker('worker-1')));
    },
  });
  const run = (steps: readonly ActionStep[], fields: Partial<Phase> = {}, step: Step = WORKER, target = TARGET) =>
    runPhase(examplePhase(steps, fields), step, target, world.deps, stop.signal);
  return { world, calls, stop, action, upgrade, run };
}

describe('what a step reads of the cluster', () => {
  it('is its node, the control planes and outlines, and never all nodes', async () => {
    const { run, upgrade } = bench({
      cluster: { nodes: () => Promise.reject(new Error('all nodes were listed')), ...READS },
    });
    // The node stays as it is here: the step is found unfinished, after everything was read.
    await expect(run([upgrade])).rejects.toThrow('the cluster does not show 1.36.4 on it');
  });

  it('shows a worker whose outline is of a node that is not ours: the next one has its turn', async () => {
    const nodes = [controlPlane('cp-1', TARGET), worker('worker-1', TARGET), worker('virtual'), worker('worker-2')];
    const { run } = bench({
      cluster: {
        ...READS,
        outlines: async () => nodes,
        node: async (name) => (name === 'virtual' ? undefined : nodes.find((node) => node.name === name)),
      },
    });
    expect(await run([])).toEqual(ADVANCED);
  });

  it('is all nodes when no control plane can run the next Job', async () => {
    const nodes = [
      controlPlane('cp-1', TARGET, { schedulable: false }),
      worker('worker-1', TARGET),
      worker('worker-2'),
    ];
    const { run, world } = bench({ nodes });
    expect(await run([])).toEqual(ADVANCED);
    expect(JSON.stringify(world.seen.created)).toContain('worker-1');
  });
});

const check = (findings: readonly Finding[]): Check => ({ name: 'made-up', reads: [], evaluate: () => findings });
const failed = new NightliftError('node', 'upgrading worker-1: kubeadm ended with 1', { remedy: 'See its journal.' });

describe('a phase that goes through', () => {
  it('does its steps in order, then makes the Job of the next node, and gives the lock back', async () => {
    const { world, calls, action, upgrade, run } = bench();
    const seen: (string | undefined)[] = [];
    const holder = async (): Promise<void> => void seen.push(world.lease?.holder);
    expect(await run([action('drain'), action('look', { run: holder }), upgrade])).toEqual(ADVANCED);
    expect(calls).toEqual(['run drain', 'run upgrade']);
    expect(seen).toEqual(['pod-a']);
    expect(world.lease?.holder).toBe('');
    expect(world.seen.changes).toEqual([`create ${NEXT_JOB}`]);
    expect(world.seen.messages).toEqual([]);
    expect(world.annotations).toEqual(new Map());
  });

  it('goes on to the first worker after the last control plane', async () => {
    const { world, run, action } = bench({ nodes: [controlPlane('cp-1'), worker('worker-1')] });
    const upgrade = action('upgrade', { run: async () => replaceNode(world, finished(controlPlane('cp-1'))) });
    expect(await run([upgrade], {}, { phase: 'master', node: 'cp-1' })).toMatchObject({
      next: { phase: 'worker', node: 'worker-1' },
    });
  });

  it('goes on to the first control plane after preflight', async () => {
    const { calls, run, action } = bench({ nodes: [controlPlane('cp-1'), worker('worker-1', TARGET)] });
    expect(await run([action('record')], {}, { phase: 'preflight' })).toEqual({
      kind: 'advanced',
      next: { phase: 'master', node: 'cp-1' },
      job: 'k8s-upgrade-master-1-36-4',
    });
    expect(calls).toEqual(['run record']);
  });

  it('ends with postflight, which is always done and makes no Job', async () => {
    const nodes = [controlPlane('cp-1', TARGET), worker('worker-1', TARGET)];
    const { world, calls, run, action } = bench({ nodes });
    expect(await run([action('complete')], {}, { phase: 'postflight' })).toEqual({ kind: 'finished' });
    expect(calls).toEqual(['run complete']);
    expect(world.seen.changes).toEqual([]);
  });

  it('tells every line of its log of which node and target it is', async () => {
    const { world, run, upgrade } = bench();
    await run([upgrade]);
    expect(world.seen.log.map(({ fields }) => [fields['phase'], fields['target'], fields['node']])).toContainEqual([
      'worker',
      TARGET,
      'worker-1',
    ]);
  });

  it('D20 replaces a Job of an earlier night in which the next node was not finished', async () => {
    const { world, run, upgrade } = bench();
    world.jobs.set(NEXT_JOB, exampleJob(NEXT_JOB, { status: 'complete', finishedAt: '2026-11-20T23:00:00Z' }));
    expect(await run([upgrade])).toEqual(ADVANCED);
    expect(world.seen.changes).toEqual([`delete ${NEXT_JOB}`, `create ${NEXT_JOB}`]);
  });

  it('fails when the cluster does not show afterwards what it has done', async () => {
    const { world, run, action } = bench();
    await expect(run([action('upgrade')])).rejects.toMatchObject({
      kind: 'phase',
      message: 'finishing worker worker-1: the cluster does not show 1.36.4 on it',
      remedy: 'See the log above; the node is looked at again next night.',
    });
    expect(world.seen.created).toEqual([]);
    expect(world.lease?.holder).toBe('');
  });
});

describe('what is done already', () => {
  const rows: { title: string; step: Step; nodes: WorldOptions['nodes']; next: Step }[] = [
    {
      title: 'passes over a node that is finished',
      step: WORKER,
      nodes: [controlPlane('cp-1', TARGET), worker('worker-1', TARGET), worker('worker-2')],
      next: { phase: 'worker', node: 'worker-2' },
    },
    {
      title: 'passes over a node that is gone',
      step: { phase: 'worker', node: 'gone' },
      nodes: [controlPlane('cp-1', TARGET), worker('worker-1')],
      next: WORKER,
    },
    {
      title: 'has nothing to prepare when every node shows the target, whatever mark is left on it',
      step: { phase: 'preflight' },
      nodes: [controlPlane('cp-1', TARGET), worker('worker-1', TARGET, { unfinished: TARGET })],
      next: WORKER,
    },
    {
      title: 'goes from preflight to postflight when nothing is left at all',
      step: { phase: 'preflight' },
      nodes: [controlPlane('cp-1', TARGET), worker('worker-1', TARGET)],
      next: { phase: 'postflight' },
    },
  ];
  it.each(rows)('$title', async ({ step, nodes, next }) => {
    const { world, calls, run, action } = bench(nodes === undefined ? {} : { nodes });
    expect(await run([action('upgrade')], { checks: [check([IN_WAY])] }, step)).toMatchObject({
      kind: 'advanced',
      next,
    });
    expect(calls).toEqual([]);
    expect(world.seen.log.map(({ message }) => message)).toContain('nothing to do: this is done already');
  });

  it('comes back to a node that has the version but is not finished', async () => {
    const { calls, run, upgrade } = bench({
      nodes: [controlPlane('cp-1', TARGET), worker('worker-1', TARGET, { cordonedBy: TARGET }), worker('worker-2')],
    });
    expect(await run([upgrade])).toEqual(ADVANCED);
    expect(calls).toEqual(['run upgrade']);
  });
});

describe('what keeps a phase from beginning', () => {
  it('D06 asks for the kill switch before anything else, the lock included', async () => {
    const { world, calls, run, action } = bench();
    engageKillSwitch(world);
    expect(await run([action('drain')])).toEqual({ kind: 'paused', reason: 'the kill switch is engaged: holidays' });
    expect(calls).toEqual([]);
    expect(world.lease).toBeUndefined();
    expect(world.annotations.get('nightlift/k8s-upgrade-stopped')).toBe(
      'paused in worker worker-1: the kill switch is engaged: holidays',
    );
  });

  it('refuses a target that kubeadm could not reach, before the lock is taken', async () => {
    const { world, calls, run, action } = bench();
    expect(await run([action('drain')], {}, WORKER, '1.39.0')).toMatchObject({
      kind: 'refused',
      verdict: 'blocked',
      findings: [{ reason: 'WrongTarget' }],
    });
    expect(calls).toEqual([]);
    expect(world.lease).toBeUndefined();
  });

  it('I05 refuses a worker whose control plane is behind, and gives the lock back', async () => {
    const { world, calls, run, action } = bench({
      nodes: [controlPlane('cp-1', '1.35.8'), worker('worker-1', '1.35.8')],
    });
    expect(await run([action('drain')])).toMatchObject({
      kind: 'refused',
      verdict: 'blocked',
      findings: [{ reason: 'TooEarly' }],
    });
    expect(calls).toEqual([]);
    expect(world.lease?.holder).toBe('');
  });

  it('waits for an API server that is away, and goes on when it is back', async () => {
    const { world, run, upgrade } = bench({
      cluster: { nodes: async () => (world.passed() < 60 ? Promise.reject(AWAY) : world.nodes) },
    });
    expect(await run([upgrade])).toEqual(ADVANCED);
  });

  it('gives up on an API server that stays away as something that is worth another try', async () => {
    const { world, run, upgrade } = bench({
      settings: { waits: { apiSeconds: 30 } },
      cluster: { nodes: () => Promise.reject(AWAY) },
    });
    await expect(run([upgrade])).rejects.toMatchObject({
      kind: 'network',
      message: `waiting 30 s for the API server: the API server cannot be asked (${AWAY.message})`,
      remedy: 'See whether the API server runs: crictl ps -a on a control plane.',
    });
    expect(world.passed()).toBe(30);
    expect(world.seen.messages).toEqual([]);
  });
});

describe('the gate of a phase', () => {
  const warning: Finding = { ...IN_WAY, severity: 'warn', message: 'something is near' };

  it('keeps it from beginning, with what blocks and not with what only warns', async () => {
    const { world, calls, run, action } = bench();
    expect(await run([action('drain')], { checks: [check([warning]), check([IN_WAY])] })).toEqual({
      kind: 'refused',
      verdict: 'blocked',
      findings: [IN_WAY],
    });
    expect(calls).toEqual([]);
    expect(world.seen.created).toEqual([]);
    expect(world.seen.log.filter(({ message }) => message === IN_WAY.message)).toHaveLength(1);
  });

  it('holds it for what has to be waited for', async () => {
    const { calls, run, action } = bench();
    const waiting: Finding = { ...IN_WAY, class: 'waiting' };
    expect(await run([action('drain')], { checks: [check([waiting])] })).toEqual({
      kind: 'refused',
      verdict: 'held',
      findings: [waiting],
    });
    expect(calls).toEqual([]);
  });

  it('lets it go on past a warning, which is told in the log', async () => {
    const { world, run, upgrade } = bench();
    expect(await run([upgrade], { checks: [check([warning])] })).toEqual(ADVANCED);
    expect(world.seen.log.filter(({ message }) => message === 'something is near')).toEqual([
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ reason: 'InTheWay', node: 'worker-1' }),
      }),
    ]);
  });

  it('gives its checks the facts that the phase names, the target and the settings', async () => {
    const { run, upgrade } = bench({ settings: { waits: { settleSeconds: 7 } } });
    const seen: unknown[] = [];
    const look: Check = {
      name: 'look',
      reads: [],
      evaluate: ({ nodes, alerts }, { target, options }) => {
        seen.push(nodes.known, alerts.known, target, options.quiet.settleSeconds);
        return [];
      },
    };
    await run([upgrade], { checks: [look], facts: ['nodes'] });
    expect(seen).toEqual([true, false, TARGET, 7]);
  });

  it('reads nothing for a phase without checks', async () => {
    const asked: string[] = [];
    const { run, upgrade } = bench({ cluster: { workloads: async () => (asked.push('workloads'), []) } });
    await run([upgrade], { facts: ['workloads'] });
    expect(asked).toEqual([]);
    const gated = bench({ cluster: { workloads: async () => (asked.push('workloads'), []) } });
    await gated.run([gated.upgrade], { checks: [check([])], facts: ['workloads'] });
    expect(asked).toEqual(['workloads']);
  });

  it('takes an API server that goes away meanwhile for a failure and not for a refusal', async () => {
    const { world, calls, run, action } = bench({ cluster: { workloads: () => Promise.reject(AWAY) } });
    await expect(run([action('drain')], { checks: [check([IN_WAY])], facts: ['workloads'] })).rejects.toBe(AWAY);
    expect(calls).toEqual([]);
    expect(world.lease?.holder).toBe('');
  });
});

describe('the steps of a phase', () => {
  it('are left out when there is nothing in them for this cluster, and not asked whether they are done', async () => {
    const { world, calls, run, action, upgrade } = bench();
    const isDone = async (): Promise<boolean> => {
      calls.push('asked');
      return false;
    };
    await run([action('quiesce', { skip: async () => 'no workload is named', isDone }), upgrade]);
    expect(calls).toEqual(['run upgrade']);
    expect(world.seen.log).toContainEqual(
      expect.objectContaining({
        message: 'skipping quiesce',
        fields: expect.objectContaining({ why: 'no workload is named' }),
      }),
    );
  });

  it('are told in the log one by one', async () => {
    const { world, run, action, upgrade } = bench();
    await run([
      action('quiesce', { skip: async () => 'no workload is named' }),
      action('drain', { isDone: async () => true }),
      upgrade,
    ]);
    expect(world.seen.log.map(({ message }) => message)).toEqual([
      'phase starts: upgrades a worker',
      'skipping quiesce',
      'drain: done already',
      'upgrade: does upgrade',
      'created Job',
    ]);
  });

  it('are done when there is no reason to leave them out', async () => {
    const { calls, run, action, upgrade } = bench();
    await run([action('quiesce', { skip: async () => undefined, isDone: async () => false }), upgrade]);
    expect(calls).toEqual(['run quiesce', 'run upgrade']);
  });

  it('are not repeated when they are done, nor taken back by this run', async () => {
    const { calls, run, action } = bench();
    const fails = action('upgrade', { run: () => Promise.reject(failed) });
    await expect(run([action('drain', { isDone: async () => true }), fails])).rejects.toBe(failed);
    expect(calls).toEqual(['undo upgrade']);
  });

  it('are given the step, the target and the node', async () => {
    const { run, action, upgrade } = bench();
    const seen: unknown[] = [];
    const look = action('look', {
      run: async (context) => void seen.push(context.step, context.target, (await context.node()).name),
    });
    await run([look, upgrade]);
    expect(seen).toEqual([WORKER, TARGET, 'worker-1']);
  });
});

describe('a pause between the steps', () => {
  it('D06 comes before the next step, and takes back what was begun', async () => {
    const { world, calls, run, action } = bench();
    const drain = action('drain', {
      run: async () => {
        calls.push('run drain');
        engageKillSwitch(world);
      },
    });
    expect(await run([drain, action('quiesce')])).toEqual({
      kind: 'paused',
      reason: 'the kill switch is engaged: holidays',
    });
    expect(calls).toEqual(['run drain', 'undo drain']);
    expect(world.seen.created).toEqual([]);
  });

  it('is seen inside a wait of a step', async () => {
    const { world, run, action } = bench();
    const wait = action('wait', {
      run: async ({ waiter }) => {
        engageKillSwitch(world);
        await waiter.pass('soak', 60, async () => undefined);
      },
    });
    expect(await run([wait])).toMatchObject({ kind: 'paused' });
  });

  it('does not stop critical steps, nor their waits; the next other one heeds it', async () => {
    const { world, calls, run, action, upgrade } = bench();
    const packages = action('packages', {
      critical: true,
      run: async ({ waiter }) => {
        engageKillSwitch(world);
        await waiter.pass('restart', 10, async () => undefined);
        calls.push('run packages');
      },
    });
    const noUndo = { ...upgrade, critical: true, undo: async () => undefined };
    expect(await run([packages, noUndo, action('soak')])).toMatchObject({ kind: 'paused' });
    expect(calls).toEqual(['run packages', 'run upgrade', 'undo packages']);
  });

  it('after the last step comes before the next Job, and takes nothing back', async () => {
    const { world, calls, run, upgrade } = bench();
    const last: ActionStep = {
      ...upgrade,
      run: async (context) => {
        await upgrade.run(context);
        engageKillSwitch(world);
      },
    };
    expect(await run([last])).toMatchObject({ kind: 'paused' });
    expect(calls).toEqual(['run upgrade']);
    expect(world.seen.created).toEqual([]);
    expect(world.lease?.holder).toBe('');
  });
});

describe('a step that fails', () => {
  it('has what was begun taken back in reverse order, itself included, and says it', async () => {
    const { world, calls, run, action } = bench();
    const fails = action('upgrade', { run: () => Promise.reject(failed) });
    await expect(run([action('cordon'), action('drain'), fails, action('soak')])).rejects.toBe(failed);
    expect(calls).toEqual(['run cordon', 'run drain', 'undo upgrade', 'undo drain', 'undo cordon']);
    expect(world.seen.messages.map(({ text }) => text)).toEqual([
      expect.stringContaining('upgrading worker-1: kubeadm ended with 1'),
    ]);
    expect(world.seen.created).toEqual([]);
    expect(world.lease?.holder).toBe('');
  });

  it('says what was taken back when it refused', async () => {
    const { world, run, action } = bench();
    const fails = action('upgrade', { run: () => Promise.reject(new Refused([IN_WAY])), undo: async () => undefined });
    expect(await run([action('drain'), fails])).toEqual({ kind: 'refused', verdict: 'blocked', findings: [IN_WAY] });
    expect(world.seen.messages[0]?.text).toContain(
      'What worker worker-1 had begun was taken back: upgrade, drain. Nodes that are on 1.36.4 stay on it.',
    );
  });

  it.each([
    ['an API server that is away', AWAY],
    ['a network that is away', new NightliftError('network', 'opening ssh to worker-1: timed out')],
  ])('has nothing taken back when another try may help: %s', async (_, error) => {
    const { calls, run, action } = bench();
    const fails = action('upgrade', { run: () => Promise.reject(error) });
    await expect(run([action('drain'), fails])).rejects.toBe(error);
    expect(calls).toEqual(['run drain']);
  });

  it('has nothing taken back when the process is stopped: the next Job goes on', async () => {
    const { world, calls, stop, run, action } = bench();
    world.jobs.set(OWN_JOB, exampleJob(OWN_JOB));
    const stopped = new Error('stopped by SIGTERM');
    const fails = action('upgrade', {
      run: async ({ signal }) => {
        stop.abort(stopped);
        signal.throwIfAborted();
      },
    });
    await expect(run([action('drain'), fails])).rejects.toBe(stopped);
    expect(calls).toEqual(['run drain']);
    expect(world.annotations).toEqual(new Map());
  });

  it('begins anew when it could not renew the lock in time: nothing is changed meanwhile, and nothing taken back', async () => {
    const { world, calls, run, action, upgrade } = bench();
    const generations: number[] = [];
    let isCutOff = true;
    const drain = action('drain', {
      run: async ({ deps, signal, fence }) => {
        calls.push('run drain');
        generations.push(fence.generation);
        if (!isCutOff) return;
        isCutOff = false;
        // The machine was suspended, and goes on here before any timer.
        world.clock.jump(60_000);
        await deps.cluster.cordon('worker-1', 'somebody', signal);
      },
    });
    expect(await run([drain, upgrade])).toEqual(ADVANCED);
    expect(calls).toEqual(['run drain', 'run drain', 'run upgrade']);
    expect(world.seen.changes).toEqual([`create ${NEXT_JOB}`]);
    expect(generations[1]).toBeGreaterThan(generations[0] ?? 0);
    expect(world.seen.messages).toEqual([]);
    expect(world.lease?.holder).toBe('');
  });

  it('takes back what was begun when the API server was away for longer than the lock lasts', async () => {
    const { world, run, action } = bench();
    const { lease, writeLease, nodes, uncordon } = world.deps.cluster;
    const unlessAway =
      <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>) =>
      async (...args: A): Promise<T> => {
        if (world.passed() < 120) throw AWAY;
        return await call(...args);
      };
    const drain = action('drain', {
      undo: async ({ deps, signal }) => await deps.cluster.uncordon('worker-1', signal),
    });
    const fails = action('upgrade', {
      run: async () => {
        Object.assign(world.deps.cluster, {
          lease: unlessAway(lease),
          writeLease: unlessAway(writeLease),
          nodes: unlessAway(nodes),
          uncordon: unlessAway(uncordon),
        });
        throw failed;
      },
    });
    await expect(run([drain, fails])).rejects.toBe(failed);
    expect(world.seen.changes).toEqual(['uncordon worker-1']);
    expect(world.passed()).toBeLessThan(200);
    expect(world.lease?.holder).toBe('');
  });

  it('is no refusal of the gate when the process is stopped while it is asked', async () => {
    const { stop, run, upgrade } = bench({
      deps: {
        alerts: {
          active: async () => {
            stop.abort(new Error('stopped by SIGTERM'));
            throw new Error('fetching alerts: aborted');
          },
          deprecatedApis: async () => [],
          apiServers: async () => ({ lookbackHours: 168, instances: [] }),
          targetsUp: async () => ({}),
        },
      },
    });
    await expect(run([upgrade], { facts: ['alerts'], checks: [check([IN_WAY])] })).rejects.toThrow(
      'stopped by SIGTERM',
    );
  });

  it('is no refusal when a step takes the loss of the lock for a no', async () => {
    const { world, run, action } = bench();
    const mistaken = action('halt-on-alert', {
      run: async ({ deps, signal }) => {
        world.lease = { holder: 'thief', durationSeconds: 60, generation: 99, version: '99' };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await deps.cluster.cordon('worker-1', 'somebody', signal).catch(() => undefined);
        throw new Refused([IN_WAY]);
      },
    });
    await expect(run([mistaken])).rejects.toBeInstanceOf(LockLost);
    expect(world.seen.changes).toEqual([]);
    expect(world.annotations).toEqual(new Map());
  });

  it('changes nothing more when somebody else has taken the lock over', async () => {
    const { world, calls, run, action } = bench();
    const steal = action('upgrade', {
      critical: true,
      run: async ({ signal }) => {
        world.lease = { holder: 'thief', durationSeconds: 60, generation: 99, version: '99' };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        signal.throwIfAborted();
      },
    });
    await expect(run([action('drain'), steal, action('soak')])).rejects.toThrow(
      'keeping the lock of the chain: thief holds it now',
    );
    expect(calls).toEqual(['run drain']);
    expect(world.lease?.holder).toBe('thief');
    // The record of the run is the thief's to write.
    expect(world.annotations).toEqual(new Map());
  });
});

describe('a pod that is stopped, and no other comes after it', () => {
  const OVER = exampleJob(OWN_JOB, { status: 'failed', reason: 'DeadlineExceeded' });
  const stopped = new Error('stopped by SIGTERM');

  /** Three steps; the last one is in the middle of its work when SIGTERM comes. */
  function stoppedAt(fields: Partial<ActionStep>, options: WorldOptions = {}) {
    const all = bench(options);
    const { calls, stop, action, run } = all;
    const { undo: _, ...lock } = action('reboot-lock');
    const drain = action('drain', {
      undo: async ({ deps, signal, step }) => {
        signal.throwIfAborted();
        calls.push('undo drain');
        await deps.cluster.uncordon(nodeOf(step) ?? '', signal);
      },
    });
    const last = action('quiesce', {
      ...fields,
      run: async ({ signal }) => {
        calls.push('run quiesce');
        stop.abort(stopped);
        signal.throwIfAborted();
      },
    });
    return {
      ...all,
      ended: () => run([lock, drain, last]).catch((error: unknown) => error),
    };
  }
  const ALL = ['run reboot-lock', 'run drain', 'run quiesce'];
  const TAKEN_BACK = [...ALL, 'undo quiesce', 'undo drain'];
  const TIME = 'the time of its Job is over (activeDeadlineSeconds, 14400 s)';

  it.each<[string, Partial<Cluster>, string]>([
    ['its time was over', { job: async () => OVER }, TIME],
    [
      'it has failed otherwise',
      { job: async () => ({ ...OVER, reason: 'FailedIndexes' }) },
      'its Job has failed (FailedIndexes)',
    ],
  ])('takes back what its step had begun when %s, says so, and gives the lock back', async (_, cluster, why) => {
    const { world, calls, ended } = stoppedAt({}, { cluster });
    const error = await ended();
    const text = `working on worker worker-1, at quiesce: ${why}; taken back: quiesce, drain`;
    expect(error).toMatchObject({ kind: 'phase', message: text });
    expect(calls).toEqual(TAKEN_BACK);
    expect(world.seen.changes).toEqual(['uncordon worker-1']);
    expect(world.lease?.holder).toBe('');
    expect(world.annotations.get('nightlift/k8s-upgrade-stopped')).toBe(`failed in worker worker-1: ${text}`);
    expect(world.seen.messages[0]?.text).toContain(why);
  });

  it('waits a moment for the Job controller, which deletes the pods before it writes down why', async () => {
    let looks = 0;
    const job = async () => ((looks += 1) < 4 ? exampleJob(OWN_JOB) : OVER);
    const { calls, ended } = stoppedAt({}, { cluster: { job } });
    await ended();
    expect(calls).toEqual(TAKEN_BACK);
  });

  it('leaves a node as it is that is being changed, and says so', async () => {
    const { world, calls, ended } = stoppedAt({ critical: true }, { cluster: { job: async () => OVER } });
    expect(await ended()).toMatchObject({
      kind: 'phase',
      message: `working on worker worker-1, at quiesce: ${TIME}; the node is being changed, and is left as it is`,
      remedy: expect.stringContaining('The next night goes on with it') as string,
    });
    expect(calls).toEqual(ALL);
    expect(world.lease?.holder).toBe('');
  });

  it.each<[string, WorldOptions]>([
    ['the Job goes on with another pod', { cluster: { job: async () => exampleJob(OWN_JOB) } }],
    ['nobody can be asked', { cluster: { job: () => Promise.reject(AWAY) } }],
    ['somebody deletes it', { cluster: { job: async () => exampleJob(OWN_JOB, { status: 'deleting' }) } }],
    ['somebody has deleted it', { cluster: { job: async () => undefined } }],
    ['it is no pod', { cluster: { job: async () => OVER }, deps: { inCluster: false } }],
  ])('takes nothing back when %s', async (_, options) => {
    const { world, calls, ended } = stoppedAt({}, options);
    expect(await ended()).toBe(stopped);
    expect(calls).toEqual(ALL);
    expect(world.lease?.holder).toBe('pod-a');
    expect(world.seen.messages).toEqual([]);
    expect(world.passed()).toBeLessThan(6);
  });
});
