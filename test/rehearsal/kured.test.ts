import { describe, expect, it } from 'vitest';
import { daemonSets, namespaces, nodes } from '../../src/rehearsal/api/resources.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { NIGHT_MS, SMALL, useNights } from './nights.ts';

const KEY = 'weave.works/kured-node-lock';
const OURS = '"nodeID":"nightlift:k8s-upgrade"';

function installKured({ server }: EmbeddedCluster, lock?: string): void {
  const labels = { name: 'kured' };
  server.store.create(daemonSets, {
    metadata: {
      name: 'kured',
      namespace: 'kube-system',
      ...(lock === undefined ? {} : { annotations: { [KEY]: lock } }),
    },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'kured', image: 'kured:1.20.0' }] } },
    },
  });
}

const lockOf = ({ server }: EmbeddedCluster): string | undefined =>
  server.store.read(daemonSets, 'kured', 'kube-system').metadata.annotations?.[KEY];
const recordOf = ({ server }: EmbeddedCluster): string | undefined =>
  server.store.read(namespaces, 'k8s-upgrade').metadata.annotations?.['nightlift/k8s-upgrade-kured-lock'];

describe('a night beside kured, whose lock is taken', { timeout: NIGHT_MS }, () => {
  const nights = useNights();

  it('holds it whenever a node is cordoned, and leaves neither lock nor record behind', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        installKured(cluster);
        const held: (string | undefined)[] = [];
        cluster.server.store.subscribe(({ resource, object }) => {
          if (resource !== nodes) return;
          const node = cluster.server.store.get(nodes, object.metadata.name);
          if (node?.spec.unschedulable === true) held.push(lockOf(cluster));
        });
        const night = await runNight(cluster, { limitMs: NIGHT_MS });
        expect(night.outcome).toBe('upgraded');
        expect(held.length).toBeGreaterThanOrEqual(2);
        for (const lock of held) expect(lock).toContain(OURS);
        expect([lockOf(cluster), recordOf(cluster)]).toEqual([undefined, undefined]);
      },
      { settings: { kured: { takeLock: true } } },
    );
  });

  it('refuses while a person holds it, and leaves it to them', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        installKured(cluster, '{"nodeID":"manual"}');
        const night = await runNight(cluster, { limitMs: NIGHT_MS });
        expect(night.refusals.map(({ reason }) => reason)).toEqual(['RebootLockHeld']);
        expect([lockOf(cluster), recordOf(cluster)]).toEqual(['{"nodeID":"manual"}', undefined]);
      },
      { settings: { kured: { takeLock: true } } },
    );
  });
});
