import { describe, expect, it } from 'vitest';
import { worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf, refusalOf } from '../../../test/support/example-step.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import { ClusterError } from '../../cluster/kube-error.ts';
import { replacements } from './replacements.ts';

const WHY = '0/2 nodes are available: 2 Insufficient cpu.';
const pending = (name: string, fields: Partial<PodFact> = {}): PodFact =>
  examplePod(name, { phase: 'Pending', ready: false, node: null, unschedulable: WHY, ...fields });

function scene(looks: readonly (readonly PodFact[] | Error)[], options: { seconds?: number; notWell?: string } = {}) {
  let asked = 0;
  const world = exampleWorld({
    nodes: [worker('worker-1'), worker('worker-2')],
    settings: { drain: { awaitReplacements: options.seconds ?? 60 } },
    cluster: {
      pods: async (where) => {
        expect(where).toEqual({ phase: 'Pending' });
        const look = looks[Math.min(asked, looks.length - 1)] ?? [];
        asked += 1;
        if (look instanceof Error) throw look;
        return look;
      },
    },
  });
  if (options.notWell !== undefined) world.annotations.set('nightlift/k8s-upgrade-not-well', options.notWell);
  return { world, context: contextIn(world) };
}

describe('the step that awaits what was evicted', () => {
  it.each([
    [60, undefined],
    [0, 'drain.awaitReplacements is 0'],
  ])('is skipped or not: %s s', async (seconds, want) => {
    expect(await replacements.skip?.(scene([], { seconds }).context)).toBe(want);
  });

  it('waits no moment when nothing is pending', async () => {
    const { world, context } = scene([[]]);
    await replacements.run(context);
    expect(world.passed()).toBe(0);
  });

  it('waits until all of them have started', async () => {
    const { world, context } = scene([[pending('a'), pending('b')], [pending('b')], []]);
    await replacements.run(context);
    expect(world.passed()).toBe(10);
  });

  it("stops after its time, with each pod and the scheduler's reason, and changes nothing", async () => {
    const { world, context } = scene([
      [
        pending('web'),
        pending('db', { owner: { kind: 'StatefulSet', name: 'db' }, node: 'worker-2', unschedulable: null }),
        pending('new', { unschedulable: null }),
      ],
    ]);
    const [finding] = await refusalOf(replacements.run(context));
    expect(finding).toMatchObject({ check: 'replacements', reason: 'NotReplaced', severity: 'block' });
    expect(finding?.message).toBe(
      `worker-1 is upgraded and in service, and for 60 s since then these pods have not started anywhere: apps/web (${WHY}), apps/db (it does not start on worker-2), apps/new (the scheduler has not said why)`,
    );
    expect([world.seen.changes, world.passed()]).toEqual([[], 60]);
  });

  it.each([
    ['of a Job', pending('a', { owner: { kind: 'Job', name: 'backup' } })],
    ['of a batch system', pending('a', { owner: { kind: 'Workflow', name: 'train' } })],
    ['of a DaemonSet, which its own step looks at', pending('a', { owner: { kind: 'DaemonSet', name: 'proxy' } })],
    ['without an owner', pending('a', { owner: null })],
    ['that is on its way out', pending('a', { deleting: true })],
  ])('does not wait for a pod %s', async (_title, one) => {
    const { world, context } = scene([[one]]);
    await replacements.run(context);
    expect(world.passed()).toBe(0);
  });

  it('does not wait for what was not ready before the run', async () => {
    const { world, context } = scene([[pending('web-2')]], { notWell: 'apps/ReplicaSet/web' });
    await replacements.run(context);
    expect(world.passed()).toBe(0);
  });

  it('is left to the retry when the API server is away to the end', async () => {
    const away = new ClusterError('no answer', { status: 0, reason: 'Unreachable', unavailable: true });
    expect(await errorOf(replacements.run(scene([away]).context))).toMatchObject({ kind: 'network' });
  });
});
