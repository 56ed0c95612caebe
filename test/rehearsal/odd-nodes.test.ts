import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Node } from '../../src/rehearsal/api/kinds.ts';
import { nodes, podDisruptionBudgets, pods } from '../../src/rehearsal/api/resources.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, PATCH, SMALL, useNights, versionsOf } from './nights.ts';

const nights = useNights();

describe.concurrent('odd nodes', { timeout: NIGHT_MS }, () => {
  it('D16 a worker without InternalIP is named before anything is changed', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      cluster.server.store.modify(nodes, 'worker-1', undefined, (node) => {
        node.status.addresses = [{ type: 'Hostname', address: 'worker-1' }];
      });
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('blocked');
      expect(logOf(cluster)).toMatch(/worker-1: it has no address of type InternalIP/);
      expect(night.nodes.every(({ schedulable }) => schedulable)).toBe(true);
      expect(versionsOf(night)).toEqual({ 'control-1': '1.36.3', 'worker-1': '1.36.3' });
      expect(cluster.server.requests.writes.filter(({ path }) => path.endsWith('/nodes/worker-1'))).toEqual([]);
    });
  });

  const behind = (own: string) => ({ ...SMALL, containerd: { controlPlanes: own, workers: '1.7.27-1' } });

  it('a containerd that cannot be raised is said before the drain, and the patch goes on with the one that is there', async () => {
    await nights.cluster(behind('1.7.24-0ubuntu1'), async (cluster) => {
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      const log = logOf(cluster);
      const said = log.indexOf("control-1 cannot be raised to the workers' containerd 1.7.27");
      expect(said).toBeGreaterThan(0);
      expect(said).toBeLessThan(log.indexOf('cordoned'));
      expect(cluster.nodes.node('control-1').machine.packages.get('containerd')?.version).toBe('1.7.24-0ubuntu1');
    });
  });

  it('a containerd that is too old for the target and cannot be raised is refused before the first change', async () => {
    await nights.cluster(behind('1.6.8-1'), async (cluster) => {
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('blocked');
      expect(logOf(cluster)).toMatch(/keeps containerd:\/\/1\.6\.8, which is too old for 1\.36\.4/);
      expect(versionsOf(night)).toEqual({ 'control-1': '1.36.3', 'worker-1': '1.36.3' });
      expect(cluster.nodes.commands.matching(/^kubeadm upgrade apply/)).toEqual([]);
      expect(logOf(cluster)).not.toMatch(/cordoned/);
    });
  });

  /** A pod without an owner on the last worker, under a budget that counts the replicas of owners. */
  const neverEvicted = ({ server: { store } }: EmbeddedCluster): void => {
    store.create(pods, {
      metadata: { name: 'ledger', namespace: 'shop', labels: { app: 'ledger' } },
      spec: { nodeName: 'worker-2', containers: [{ name: 'ledger', image: 'shop/ledger:1.9' }] },
    });
    store.create(podDisruptionBudgets, {
      metadata: { name: 'half-of-ledger', namespace: 'shop' },
      spec: { minAvailable: '50%', selector: { matchLabels: { app: 'ledger' } } },
      status: {},
    });
  };

  it('a budget that lets no pod of the last worker go is refused before the first change, where the settings say so', async () => {
    await nights.cluster(
      PATCH,
      async (cluster) => {
        neverEvicted(cluster);
        const night = await runNight(cluster);
        expect(night.outcome, logOf(cluster)).toBe('blocked');
        expect(logOf(cluster)).toMatch(/BudgetExpectsNone[^]*half-of-ledger[^]*it holds worker-2/);
        expect(new Set(Object.values(versionsOf(night)))).toEqual(new Set(['1.36.3']));
      },
      { settings: { budgets: 'block' } },
    );
  });

  it('a budget that lets no pod of the last worker go costs no cordon there', async () => {
    await nights.cluster(PATCH, async (cluster) => {
      neverEvicted(cluster);
      const cordoned = new Set<string>();
      const stop = cluster.server.store.subscribe(({ resource, object }) => {
        if (resource === nodes && (object as Node).spec.unschedulable === true) cordoned.add(object.metadata.name);
      });
      const night = await runNight(cluster);
      stop();
      expect(night.outcome, logOf(cluster)).toBe('halted');
      expect(night.refusals.map(({ reason }) => reason)).toEqual(['NeverEvicted']);
      expect(cordoned).toEqual(new Set(['control-1', 'worker-1']));
      expect(versionsOf(night)).toEqual({ 'control-1': '1.36.4', 'worker-1': '1.36.4', 'worker-2': '1.36.3' });
    });
  });

  it('everything that nodes have in the way is named before the first change, and a night passes when it is mended', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const [control, worker] = ['control-1', 'worker-1'].map((name) => cluster.nodes.node(name).machine);
      if (control === undefined || worker === undefined) throw new Error('the cluster has other nodes');
      const manifest = control.path('/etc/kubernetes/manifests/etcd.yaml');
      copyFileSync(manifest, `${manifest}.backup`);
      worker.packages.set('libexample', { version: '1.0-1', held: false, status: 'half-configured' });
      writeFileSync(
        worker.path('/etc/default/kubelet'),
        'KUBELET_EXTRA_ARGS="--pod-infra-container-image=pause:3.9"\n',
      );
      worker.knobs.freeBytes = 5e8;
      const refused = await runNight(cluster);
      expect(refused.outcome, logOf(cluster)).toBe('blocked');
      for (const said of [
        /chance: control-1 \(etcd: etcd\.yaml, etcd\.yaml\.backup\)/,
        /apt does nothing: worker-1 \(libexample 1\.0-1\)/,
        /worker-1 \(--pod-infra-container-image in \/etc\/default\/kubelet\)/,
        /worker-1 \(500 MB free of 1024 MB wanted/,
      ])
        expect(logOf(cluster)).toMatch(said);
      expect(versionsOf(refused)).toEqual({ 'control-1': '1.36.3', 'worker-1': '1.36.3' });
      expect(refused.nodes.every(({ schedulable }) => schedulable)).toBe(true);
      expect(refused.jobs.filter(({ name }) => name.startsWith('k8s-upgrade-master'))).toEqual([]);

      rmSync(`${manifest}.backup`);
      worker.packages.delete('libexample');
      rmSync(worker.path('/etc/default/kubelet'));
      worker.knobs.freeBytes = 60e9;
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
    });
  });

  it('node names of 63 characters and with dots get Jobs of their own', async () => {
    const long = `worker-${'x'.repeat(55)}1`;
    expect(long.length).toBe(63);
    const topology = { ...PATCH, names: ['control.example.internal', long, 'worker.2.example.internal'] };
    await nights.cluster(topology, async (cluster) => {
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      const names = night.jobs.map(({ name }) => name);
      for (const name of names) expect(name).toMatch(/^[a-z0-9-]{1,63}$/);
      expect(names.filter((name) => name.startsWith('k8s-upgrade-worker-1-36-4-')).length).toBe(2);
    });
  });

  it('every Job of the chain is killed once, soon after its start, and the night ends upgraded', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      const killed = new Set<string>();
      const timers: NodeJS.Timeout[] = [];
      const watch = setInterval(() => {
        for (const [pod, child] of cluster.processes) {
          const job = pod.replace(/-[^-]+$/, '');
          if (killed.has(job) || !/^k8s-upgrade-(preflight|master|worker|postflight)/.test(job)) continue;
          killed.add(job);
          timers.push(setTimeout(() => child.kill('SIGKILL'), 700));
        }
      }, 10);
      try {
        const night = await runNight(cluster);
        expect(night.outcome, logOf(cluster)).toBe('upgraded');
        expect(killed.size).toBe(4);
        expect(cluster.nodes.commands.matching(/^kubeadm upgrade apply/).length).toBe(1);
      } finally {
        clearInterval(watch);
        for (const timer of timers) clearTimeout(timer);
      }
    });
  });
});
