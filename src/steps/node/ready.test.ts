import { describe, expect, it } from 'vitest';
import { controlPlane, TARGET, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf } from '../../../test/support/example-step.ts';
import type { Health } from '../../cluster/cluster.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { ready } from './ready.ts';

function scene(node: NodeFact, answers: readonly Health[] = [{ ok: true, detail: 'ok' }]) {
  const asked: string[] = [];
  const world = exampleWorld({
    nodes: [node],
    settings: { waits: { readySeconds: 20 } },
    cluster: {
      health: async (path) => {
        asked.push(path);
        return answers[Math.min(asked.length, answers.length) - 1] ?? { ok: true, detail: '' };
      },
    },
  });
  const step = { phase: node.role === 'worker' ? 'worker' : 'master', node: node.name } as const;
  return { world, asked, run: () => ready.run(contextIn(world, step)) };
}

describe('ready', () => {
  it('lets nothing pause between the upgrade and the node back in service', () => {
    expect(ready.critical).toBe(true);
  });

  it.each([
    ['a worker with the target', worker('w', TARGET), []],
    ['a worker that is beyond it', worker('w', '1.36.5'), []],
    ['a control plane with the target', controlPlane('cp', TARGET), ['/readyz']],
  ])('goes on at once with %s', async (_title, node, want) => {
    const { world, asked, run } = scene(node);
    await run();
    expect([asked, world.passed()]).toEqual([want, 0]);
  });

  it.each([
    ['a kubelet that is not Ready', worker('w', TARGET, { ready: 'no' }), 'Ready is no'],
    ['a node of which nothing is heard', worker('w', TARGET, { ready: 'unknown' }), 'Ready is unknown'],
    ['the old kubelet', worker('w', '1.36.3'), 'its kubelet reports 1.36.3'],
    ['the old API server', controlPlane('cp', TARGET, { apiServer: '1.36.3' }), 'its API server pod shows 1.36.3'],
    ['no API server', controlPlane('cp', TARGET, { apiServer: null }), 'its API server pod shows no version'],
    [
      'all of them',
      controlPlane('cp', '1.36.3', { ready: 'no' }),
      'Ready is no, its kubelet reports 1.36.3, its API server pod shows 1.36.3',
    ],
  ])('waits, then fails with the name of what is missing, for %s', async (_title, node, missing) => {
    const { world, asked, run } = scene(node);
    expect(await errorOf(run())).toMatchObject({
      kind: 'timeout',
      message: `${node.role === 'worker' ? '' : `the control plane ${node.name} did not come back (ControlPlaneNotBack): `}waiting 20 s for ${node.name} to be Ready with 1.36.4: ${missing}`,
      remedy: expect.stringContaining('journalctl -u kubelet') as string,
    });
    expect([asked, world.passed()]).toEqual([[], 20]);
  });

  it('is not held up by the cordon and the mark that are still on the node', async () => {
    const { run } = scene(worker('w', TARGET, { cordonedBy: TARGET, schedulable: false, unfinished: TARGET }));
    expect(await errorOf(run())).toBeUndefined();
  });

  it('waits for an API server that does not know its roles yet', async () => {
    const { world, run } = scene(controlPlane('cp', TARGET), [
      { ok: false, detail: '403' },
      { ok: true, detail: 'ok' },
    ]);
    await run();
    expect(world.passed()).toBe(5);
    const never = scene(controlPlane('cp', TARGET), [{ ok: false, detail: 'etcd failed' }]);
    expect(await errorOf(never.run())).toMatchObject({ message: expect.stringMatching(/: \/readyz: etcd failed$/) });
  });
});
