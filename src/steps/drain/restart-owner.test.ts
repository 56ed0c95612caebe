import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn } from '../../../test/support/example-step.ts';
import type { PodFact, PodOwner } from '../../cluster/cluster.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import { restartOwner, whyNotRestart } from './restart-owner.ts';

const owner = (fields: Partial<PodOwner> = {}): PodOwner => ({
  kind: 'Deployment',
  namespace: 'apps',
  name: 'web',
  replicas: 1,
  paused: false,
  rolling: { surge: 1, unavailable: 0 },
  restartedAt: null,
  ...fields,
});

describe('whyNotRestart', () => {
  const pod = examplePod('web');
  it.each<[string, PodOwner | undefined, PodFact, string | undefined]>([
    ['one whose new pod comes first', owner(), pod, undefined],
    ['one with room for more than one new pod', owner({ rolling: { surge: 2, unavailable: 0 } }), pod, undefined],
    ['none that is no Deployment', undefined, pod, 'its owner is no Deployment that is there'],
    [
      'no StatefulSet',
      owner({ kind: 'StatefulSet' }),
      pod,
      'StatefulSet apps/web makes a new pod only when the old one is gone',
    ],
    ['none that is paused', owner({ paused: true }), pod, 'Deployment apps/web is paused'],
    [
      'none with two replicas',
      owner({ replicas: 2 }),
      pod,
      'Deployment apps/web has 2 replicas, and only one of a single replica is restarted',
    ],
    [
      'none that is scaled to zero',
      owner({ replicas: 0 }),
      pod,
      'Deployment apps/web has 0 replicas, and only one of a single replica is restarted',
    ],
    [
      'none that recreates',
      owner({ rolling: null }),
      pod,
      'Deployment apps/web has the strategy Recreate, which lets the old pod go first',
    ],
    [
      'none without surge',
      owner({ rolling: { surge: 0, unavailable: 0 } }),
      pod,
      'Deployment apps/web lets the old pod go first: it needs maxSurge 1 and maxUnavailable 0',
    ],
    [
      'none that may be without a pod',
      owner({ rolling: { surge: 1, unavailable: 1 } }),
      pod,
      'Deployment apps/web lets the old pod go first: it needs maxSurge 1 and maxUnavailable 0',
    ],
    [
      'none with a volume claim',
      owner(),
      examplePod('web', { usesClaim: true }),
      'Deployment apps/web has a volume claim, which two nodes can rarely have at the same time',
    ],
  ])('lets restart %s', (_title, one, its, want) => {
    expect(whyNotRestart(one, its)).toBe(want);
  });
});

describe('restartOwner', () => {
  const TOLD = '2026-11-21T22:50:00Z';
  const restart = async (one: PodOwner | undefined, pod: PodFact) => {
    const restarts: unknown[] = [];
    const world = exampleWorld({
      cluster: { ownerOf: async () => one, restart: async (which, at) => void restarts.push([which, at]) },
    });
    return { result: await restartOwner(contextIn(world), pod), restarts, log: world.seen.log };
  };

  it('rolls the owner now, and says so', async () => {
    const { result, restarts, log } = await restart(owner(), examplePod('web'));
    expect(log.map(({ level, fields }) => [level, fields['owner']])).toEqual([['info', 'Deployment apps/web']]);
    expect(result).toEqual({ helps: true, note: 'Deployment apps/web is being restarted' });
    expect(restarts).toEqual([[owner(), '2026-11-21T23:00:00.000Z']]);
  });

  it.each([
    ['that an earlier Job has told', TOLD, null, 0],
    ['that was told later than this pod was made', TOLD, '2026-11-20T00:00:00Z', 0],
    ['that nobody has told, though the pod says so', null, TOLD, 1],
    ['whose restart has made this very pod', TOLD, TOLD, 1],
  ])('rolls an owner %s: %s, %s, %i times', async (_title, restartedAt, ofPod, times) => {
    const { result, restarts } = await restart(owner({ restartedAt }), examplePod('web', { restartedAt: ofPod }));
    expect(result).toEqual({ helps: true, note: 'Deployment apps/web is being restarted' });
    expect(restarts).toHaveLength(times);
  });

  it.each([
    [undefined, 'restart-owner does not help: its owner is no Deployment that is there'],
    [owner({ paused: true }), 'restart-owner does not help: Deployment apps/web is paused'],
  ])('does nothing where it does not help, and says why', async (one, note) => {
    const { result, restarts, log } = await restart(one, examplePod('web'));
    expect(result).toEqual({ helps: false, note });
    expect(restarts).toEqual([]);
    expect(log.map(({ level }) => level)).toEqual(['warn']);
  });
});
