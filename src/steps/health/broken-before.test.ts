import { describe, expect, it } from 'vitest';
import { controlPlane, worker } from '../../../test/support/clusters.ts';
import { exampleWorld } from '../../../test/support/example-deps.ts';
import { contextIn, errorOf } from '../../../test/support/example-step.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { examplePod } from '../../cluster/example-pod.ts';
import { sayComplete } from '../run/say-complete.ts';
import { brokenBefore, noteBroken } from './broken-before.ts';
import { daemonSets, podReadyRatio, systemPods } from './pods-ready.ts';

const KEY = 'nightlift/k8s-upgrade-not-well';
const down = { ready: false };
const web = { owner: { kind: 'ReplicaSet', name: 'web-1' } };
const cni = (node: string) => ({ namespace: 'kube-system', node, owner: { kind: 'DaemonSet', name: 'cni' } });

/** A cluster whose pods change between its looks. */
function scene(pods: readonly PodFact[], record?: string) {
  let now = pods;
  const world = exampleWorld({
    nodes: [controlPlane('cp-1'), worker('worker-1')],
    settings: { waits: { readySeconds: 20, pollSeconds: 5 }, postflight: { podReadyRatio: 1 } },
    cluster: {
      pods: async ({ namespace, node }) =>
        now.filter((pod) => (namespace ?? pod.namespace) === pod.namespace && (node ?? pod.node) === pod.node),
    },
  });
  if (record !== undefined) world.annotations.set(KEY, record);
  return {
    world,
    become: (next: readonly PodFact[]) => void (now = next),
    before: contextIn(world, { phase: 'preflight' }),
    worker: contextIn(world, { phase: 'worker', node: 'worker-1' }),
    after: contextIn(world, { phase: 'postflight' }),
  };
}

describe('what was broken before a run', () => {
  const PODS = [
    examplePod('web-1-abc', { ...web, ...down }),
    examplePod('web-1-def', web),
    examplePod('alone', { namespace: 'apps', owner: null, ...down }),
    examplePod('cni-x', { ...cni('worker-1'), ...down }),
    examplePod('cni-y', cni('cp-1')),
    examplePod('once', { owner: { kind: 'Job', name: 'once' }, ...down }),
    examplePod('gone', { deleting: true, ...down }),
  ];
  const RECORD = 'apps/ReplicaSet/web-1 apps/alone kube-system/DaemonSet/cni@worker-1';

  it('is recorded by what stays the same when a pod is made anew, and said', async () => {
    const { world, before } = scene(PODS);
    expect(await noteBroken.isDone?.(before)).toBe(false);
    await noteBroken.run(before);
    expect(world.annotations.get(KEY)).toBe(RECORD);
    expect(world.seen.log).toMatchObject([{ level: 'warn', fields: { pods: RECORD.replaceAll(' ', ', ') } }]);
    expect(await noteBroken.isDone?.(before)).toBe(true);
  });

  it('is recorded also when nothing is, so that a preflight that is tried again does not take its own traces for it', async () => {
    const { world, before, become } = scene([examplePod('a')]);
    await noteBroken.run(before);
    become([examplePod('a', down)]);
    expect(await noteBroken.isDone?.(before)).toBe(true);
    expect([world.annotations.get(KEY), world.seen.log]).toEqual(['', []]);
  });

  it('is not too much for an annotation', async () => {
    const { world, before } = scene(
      Array.from({ length: 5000 }, (_, i) => examplePod(`p${i}`, { owner: null, ...down })),
    );
    await noteBroken.run(before);
    expect(world.annotations.get(KEY)?.split(' ')).toHaveLength(100);
  });

  it('is no failure of the run, in any of its looks, and is named at the end', async () => {
    const { world, become, worker: step, after } = scene(PODS, RECORD);
    // The drain has made new pods of old ones.
    become([
      examplePod('web-1-xyz', { ...web, ...down }),
      examplePod('alone', { namespace: 'apps', owner: null, ...down }),
      examplePod('cni-z', { ...cni('worker-1'), ...down }),
      examplePod('cni-y', cni('cp-1')),
    ]);
    for (const running of [systemPods.run(after), podReadyRatio.run(after), daemonSets.run(step)])
      expect(await errorOf(running)).toBeUndefined();
    expect(world.passed()).toBe(0);
    world.annotations.set('nightlift/k8s-upgrade-in-flight', '2026-11-21T22:00:00Z');
    await sayComplete.run(after);
    expect(world.seen.messages[0]?.text).toContain(
      'Not ready, and not before it either: apps/web-1-xyz, apps/alone, kube-system/cni-z.',
    );
  });

  it('is only that: what got worse fails, a DaemonSet on another node too', async () => {
    const { become, after, worker: step } = scene(PODS, 'kube-system/DaemonSet/cni@cp-1');
    become([examplePod('cni-x', { ...cni('worker-1'), ...down })]);
    expect(await errorOf(systemPods.run(after))).toMatchObject({
      message: expect.stringContaining('not ready: cni-x'),
    });
    expect(await errorOf(daemonSets.run(step))).toMatchObject({
      message: expect.stringContaining('kube-system/cni-x'),
    });
    expect(await errorOf(podReadyRatio.run(after))).toMatchObject({ message: expect.stringContaining('0 of 1 pods') });
  });

  it('is nothing without a record', async () => {
    const { after } = scene([]);
    expect((await brokenBefore(after)).has(examplePod('', { namespace: '' }))).toBe(false);
  });
});
