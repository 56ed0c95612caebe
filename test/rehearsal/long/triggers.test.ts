import { describe, expect, it } from 'vitest';
import { events, pods } from '../../../src/rehearsal/api/resources.ts';
import type { EmbeddedCluster } from '../../../src/rehearsal/embedded-cluster.ts';
import { logOf, NIGHT_MS, nightWith, PATCH, useNights, versionsOf } from '../nights.ts';

/** A pod that the kubelet stand-in leaves as it is, and what a kubelet says of it. */
function failingPod({ server: { store } }: EmbeddedCluster, name: string, waiting: string, reason: string): void {
  const { metadata } = store.create(pods, {
    metadata: { name, namespace: 'shop', annotations: { 'kubernetes.io/config.mirror': 'x' } },
    spec: { nodeName: 'worker-1', containers: [{ name: 'c', image: 'c:1' }] },
    status: {
      phase: waiting === 'CrashLoopBackOff' ? 'Running' : 'Pending',
      containerStatuses: [
        {
          name: 'c',
          image: 'c:1',
          imageID: '',
          ready: false,
          restartCount: 3,
          state: { waiting: { reason: waiting } },
        },
      ],
    },
  });
  const event = {
    metadata: { name: `${name}.1`, namespace: 'shop' },
    involvedObject: { kind: 'Pod', namespace: 'shop', name, uid: metadata.uid },
    type: 'Warning',
    reason,
    message: `said of ${name}`,
    lastTimestamp: new Date().toISOString(),
  };
  store.create(events, event as never);
}

const SETTINGS = { triggers: { forSeconds: 1 }, waits: { soakSeconds: 3 } };
const onceUpgraded = (cluster: EmbeddedCluster) => () =>
  cluster.nodes.commands.matching(/^kubeadm upgrade node/, 'worker-1').length > 0;

describe('what a node brings with it', { timeout: NIGHT_MS }, () => {
  const nights = useNights();

  it.each([
    [
      'pods in CrashLoopBackOff',
      'CrashLoopBackOff',
      'BackOff',
      'PodsCrashLooping',
      /2 of \d+ pods .*shop\/new-0, shop\/new-1/,
    ],
    [
      'volumes that cannot be mounted',
      'ContainerCreating',
      'FailedMount',
      'MountsFail',
      /shop\/new-0 \(FailedMount: said of new-0\)/,
    ],
  ])('stops the run by %s, and the report names them', async (_, waiting, event, reason, says) => {
    await nights.cluster(
      PATCH,
      async (cluster) => {
        const night = await nightWith(cluster, onceUpgraded(cluster), () => {
          for (const name of ['new-0', 'new-1']) failingPod(cluster, name, waiting, event);
        });
        expect(
          night.refusals.map((one) => one.reason),
          logOf(cluster),
        ).toEqual([reason]);
        expect(versionsOf(night)).toMatchObject({ 'worker-1': '1.36.4', 'worker-2': '1.36.3' });
        expect(night.nodes.every(({ schedulable }) => schedulable)).toBe(true);
        expect(night.messages.join('\n')).toMatch(says);
        expect(night.slack).toMatch(says);
      },
      { settings: SETTINGS },
    );
  });
});
