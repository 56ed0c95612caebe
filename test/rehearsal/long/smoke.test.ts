import { describe, expect, it } from 'vitest';
import { jobs, namespaces, nodes, pods } from '../../../src/rehearsal/api/resources.ts';
import { runningPod } from '../../../src/rehearsal/cluster-view.ts';
import type { EmbeddedCluster } from '../../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, nightWith, SMALL, useNights, versionsOf } from '../nights.ts';

const GPU = 'nvidia.com/gpu';

function setGpus({ server: { store } }: EmbeddedCluster, count: string): void {
  store.modify(nodes, 'worker-1', undefined, (draft) => {
    draft.status['allocatable'] = { cpu: '4', memory: '8Gi', pods: '110', [GPU]: count };
  });
}

const noted = ({ server: { store } }: EmbeddedCluster): readonly string[] =>
  Object.keys(store.read(namespaces, 'k8s-upgrade').metadata.annotations ?? {}).filter((key) =>
    key.endsWith('s-before'),
  );

describe('the smoke tests of a night', { timeout: NIGHT_MS }, () => {
  const nights = useNights();

  it('hold back the end of a run until the device plugin of a node has registered again, and the next night ends it', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        setGpus(cluster, '2');
        const isUpgraded = () => cluster.nodes.commands.matching(/^kubeadm upgrade node/, 'worker-1').length > 0;
        const night = await nightWith(cluster, isUpgraded, () => setGpus(cluster, '0'));
        expect(
          night.refusals.map(({ reason }) => reason),
          logOf(cluster),
        ).toEqual(['DevicesMissing']);
        expect(versionsOf(night)).toEqual({ 'control-1': '1.36.4', 'worker-1': '1.36.4' });
        expect(night.messages.join('\n')).toContain(`worker-1 has 0 of 2 ${GPU}`);
        expect(night.messages.join('\n')).not.toContain('complete');
        expect(night.slack).toContain(`worker-1 has 0 of 2 ${GPU}`);
        expect(noted(cluster)).toHaveLength(2);

        setGpus(cluster, '2');
        const next = await runNight(cluster);
        expect(next.refusals, logOf(cluster)).toEqual([]);
        expect(next.messages.join('\n')).toContain('K8s upgrade complete');
        expect(noted(cluster)).toEqual([]);
      },
      {
        settings: {
          smoke: { devices: true, targets: true, nodesReady: true },
          waits: { readySeconds: 10, settleSeconds: 0 },
        },
      },
    );
  });

  it('leave no pod behind when the step that made them is killed', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        const { store } = cluster.server;
        const isProbe = ({ metadata }: { metadata: { labels?: Readonly<Record<string, string>> } }) =>
          metadata.labels?.['app'] === 'k8s-upgrade-probe';
        const seen = new Set<string>();
        const owners = new Set<string>();
        store.subscribe(({ resource, object }) => {
          if (resource !== jobs || !isProbe(object)) return;
          seen.add(object.metadata.name);
          for (const { name } of object.metadata.ownerReferences ?? []) owners.add(name.replace(/-[^-]+$/, ''));
        });
        const isMade = () => store.list(jobs).filter(isProbe).length === 2;
        const night = await nightWith(cluster, isMade, () => {
          const pod = runningPod(cluster, 'k8s-upgrade-postflight-1-36-4');
          if (pod !== undefined) cluster.controllers.killPod(pod.metadata.name, 'k8s-upgrade');
        });
        expect(night.outcome, logOf(cluster)).toBe('upgraded');
        expect(seen.size).toBe(2);
        expect([...owners]).toEqual(['k8s-upgrade-postflight-1-36-4']);
        expect([...store.list(jobs), ...store.list(pods)].filter(isProbe)).toEqual([]);
        const tries = [...cluster.logs.text().keys()].filter((name) => name.includes('k8s-upgrade-postflight'));
        expect(tries).toHaveLength(2);
      },
      { settings: { smoke: { podsPer: 'kubernetes.io/hostname', image: 'probe:rehearsal' } } },
    );
  });
});
