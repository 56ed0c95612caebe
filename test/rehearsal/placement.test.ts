import { describe, expect, it } from 'vitest';
import { jobs, namespaces, nodes } from '../../src/rehearsal/api/resources.ts';
import { NAMESPACE } from '../../src/rehearsal/deployment-objects.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { ANYWHERE, CURRENT, logOf, NIGHT_MS, SMALL, useNights, versionsOf } from './nights.ts';

const nights = useNights();
const TAINT = { key: 'storage', value: 'broken', effect: 'NoSchedule' };

describe.concurrent('what stands in the cluster before a night', { timeout: NIGHT_MS }, () => {
  it('I20 a worker with a taint of its own runs no Job of the chain', async () => {
    await nights.cluster(ANYWHERE, async (cluster) => {
      cluster.server.store.modify(nodes, 'worker-1', undefined, (node) => {
        node.spec.taints = [TAINT];
      });
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      expect(night.jobs.filter(({ runner }) => runner === 'worker-1')).toEqual([]);
    });
  });

  it('I01 I20 without a node for its Job nothing is started, and each node is named with its reason', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      for (const name of ['control-1', 'worker-1']) {
        cluster.server.store.modify(nodes, name, undefined, (node) => {
          node.spec.taints = [...(node.spec.taints ?? []), TAINT];
        });
      }
      // The detector itself still has to run somewhere.
      cluster.server.store.modify(nodes, 'worker-1', undefined, (node) => {
        node.spec.taints = [{ ...TAINT, effect: 'PreferNoSchedule' }];
      });
      cluster.server.store.modify(nodes, 'control-1', undefined, (node) => {
        node.spec.unschedulable = true;
      });
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).not.toBe('upgraded');
      const [refusal] = night.refusals.filter(({ reason }) => reason === 'NoNodeForJob');
      expect(refusal?.message).toMatch(/worker-1: it is the node that is drained/);
      expect(refusal?.message).toMatch(/control-1: it is cordoned/);
      expect(versionsOf(night)['worker-1']).toBe('1.36.3');
    });
  });

  it('D08 a worker that a person cordoned is upgraded and stays cordoned', async () => {
    await nights.cluster(ANYWHERE, async (cluster) => {
      cluster.server.store.modify(nodes, 'worker-2', undefined, (node) => {
        node.spec.unschedulable = true;
      });
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      expect(night.nodes.filter(({ schedulable }) => !schedulable).map(({ name }) => name)).toEqual(['worker-2']);
    });
  });

  it('D20 a complete Job of a node that is on the old version is not believed', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const { store } = cluster.server;
      const labels = { app: 'k8s-upgrade-chain', phase: 'worker', 'target-version': '1-36-4' };
      const ended = { type: 'Complete', status: 'True', lastTransitionTime: new Date().toISOString() };
      store.create(jobs, {
        metadata: {
          name: 'k8s-upgrade-worker-1-36-4-worker-1',
          namespace: NAMESPACE,
          labels,
          annotations: { 'nightlift/node': 'worker-1' },
        },
        spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'nightlift', image: 'gone' }] } } },
        status: { succeeded: 1, completionTime: new Date().toISOString(), conditions: [ended] },
      });
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
    });
  });

  it("I21 a leaked record of a run is cleared, and the chain's own alerts do not halt it", async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const long = new Date(Date.now() - 13 * 3_600_000).toISOString();
      cluster.server.store.modify(namespaces, NAMESPACE, undefined, (draft) => {
        draft.metadata.annotations = {
          'nightlift/k8s-upgrade-in-flight': long,
          'nightlift/k8s-upgrade-target': '1.36.2',
        };
      });
      for (const name of ['K8sUpgradeStalled', 'K8sVersionSkew', 'K8sUpgradeChainJobFailed']) {
        cluster.prometheus.setAlert({ name, severity: 'critical' });
      }
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      const annotations = Object.keys(cluster.server.store.read(namespaces, NAMESPACE).metadata.annotations ?? {});
      // What it came to stays until the next one begins.
      const stays = /-(inventory-(before|after)|api-away|record)$/;
      expect(annotations.filter((key) => key.includes('k8s-upgrade-') && !stays.test(key))).toEqual([]);
    });
  });

  it('I21 a leaked record is cleared in a night without a new version', async () => {
    await nights.cluster(CURRENT, async (cluster) => {
      cluster.server.store.modify(namespaces, NAMESPACE, undefined, (draft) => {
        draft.metadata.annotations = {
          'nightlift/k8s-upgrade-in-flight': 'last Tuesday',
          'nightlift/k8s-upgrade-target': '1.36.4',
        };
      });
      await runNight(cluster);
      expect(cluster.server.store.read(namespaces, NAMESPACE).metadata.annotations ?? {}).not.toHaveProperty(
        'nightlift/k8s-upgrade-in-flight',
      );
      expect(cluster.pushgateway.value('k8s-version-upgrade', 'k8s_upgrade_in_flight')).toBe(0);
    });
  });
});
