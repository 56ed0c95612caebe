import { expect, it } from 'vitest';
import { leases, namespaces, nodes, pods } from '../../src/rehearsal/api/resources.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, PATCH, useNights } from './nights.ts';

const nights = useNights();

it(
  'D08 D24 a Job whose time is over in the middle of a drain puts its node back into service, and says so',
  async () => {
    await nights.cluster(
      PATCH,
      async (cluster) => {
        const { store } = cluster.server;
        // A pod that does not end when it is evicted, and a drain that would wait for it for longer than the Job has.
        store.create(pods, {
          metadata: { name: 'ledger', namespace: 'shop', finalizers: ['example.com/wait'] },
          spec: { nodeName: 'worker-1', containers: [{ name: 'ledger', image: 'shop/ledger:1.9' }] },
        });
        const cordoned = new Set<string>();
        store.subscribe(({ resource, object }) => {
          if (resource !== nodes) return;
          if (store.get(nodes, object.metadata.name)?.spec.unschedulable === true) cordoned.add(object.metadata.name);
        });
        const night = await runNight(cluster, { limitMs: NIGHT_MS });
        expect(night.jobs.filter(({ status }) => status === 'failed').map(({ node }) => node)).toEqual(['worker-1']);
        expect(cordoned).toContain('worker-1');
        expect(
          night.nodes.map(({ name, schedulable }) => [name, schedulable]),
          logOf(cluster),
        ).toEqual(night.nodes.map(({ name }) => [name, true]));
        expect(store.read(leases, 'k8s-upgrade-chain', 'k8s-upgrade').spec['holderIdentity'] ?? '').toBe('');
        const said = 'working on worker worker-1, at drain: the time of its Job is over';
        const { annotations } = store.read(namespaces, 'k8s-upgrade').metadata;
        expect(annotations?.['nightlift/k8s-upgrade-stopped']).toContain(said);
        expect(night.messages.at(-1)).toContain(said);
        expect(night.messages.at(-1)).toContain('taken back: drain');
      },
      // A second of the controllers is 0.3 s: the Job has 18 s, and a pod nine from SIGTERM to SIGKILL.
      { settings: { job: { deadlineSeconds: 60 }, waits: { drainSeconds: 600 } }, pace: { secondMs: 300 } },
    );
  },
  NIGHT_MS,
);
