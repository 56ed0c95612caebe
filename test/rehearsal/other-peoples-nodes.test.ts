import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { NewObject, Node } from '../../src/rehearsal/api/kinds.ts';
import { nodes, pods, secrets } from '../../src/rehearsal/api/resources.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { ANYWHERE, logOf, NIGHT_MS, PATCH, SMALL, useNights, versionsOf } from './nights.ts';

const nights = useNights();
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

type NewNode = NewObject<Node> & Pick<Node, 'status'>;

/** A node that is in the cluster and has no machine of ours behind it: nobody could log in there. */
function add({ server: { store } }: EmbeddedCluster, name: string, change: (node: NewNode) => void): void {
  const { metadata, spec, status } = structuredClone(store.read(nodes, 'worker-1'));
  const addresses = [
    { type: 'InternalIP', address: '127.9.9.9' },
    { type: 'Hostname', address: name },
  ];
  const labels = { ...metadata.labels, 'kubernetes.io/hostname': name };
  const node = { metadata: { name, labels }, spec, status: { ...status, addresses } };
  change(node);
  store.create(nodes, node);
}

describe.concurrent('clusters as other people have them', { timeout: NIGHT_MS }, () => {
  it('Windows, virtual kubelets and kubelets of other distributions are left out: the others are upgraded, and the report names all', async () => {
    await nights.cluster({ ...ANYWHERE, workers: 1 }, async (cluster) => {
      const info = ({ status }: NewNode) => (status.nodeInfo ??= {});
      add(cluster, 'win-1', (node) => {
        Object.assign(info(node), { operatingSystem: 'windows', osImage: 'Windows Server 2022 Datacenter' });
        node.spec.taints = [{ key: 'os', value: 'windows', effect: 'NoSchedule' }];
      });
      add(cluster, 'aci', (node) => {
        Object.assign(info(node), { kubeletVersion: 'v1.36.3-vk-azure-aci-1.6.2' });
        node.metadata.labels = { ...node.metadata.labels, type: 'virtual-kubelet' };
      });
      add(cluster, 'liqo', (node) => {
        Object.assign(info(node), { containerRuntimeVersion: '' });
        node.metadata.labels = { ...node.metadata.labels, type: 'virtual-node' };
        node.spec.taints = [{ key: 'virtual-node.liqo.io/not-allowed', value: 'true', effect: 'NoExecute' }];
      });
      add(cluster, 'edge', (node) => void Object.assign(info(node), { kubeletVersion: 'v1.36.3+k3s1' }));
      add(cluster, 'hybrid', (node) => void Object.assign(info(node), { kubeletVersion: 'v1.36.3-eks-1234abc' }));
      const others = ['win-1', 'aci', 'liqo', 'edge', 'hybrid'];
      const night = await runNight(cluster);
      expect(night.slack, logOf(cluster)).toContain('UPGRADED — all nodes now on 1.36.4');
      expect(night.slack).toContain('all 2 nodes uniform');
      expect(versionsOf(night)).toMatchObject({ 'control-1': '1.36.4', 'worker-1': '1.36.4' });
      for (const name of others) expect(night.slack).toMatch(new RegExp(`Left out: .*${name} \\(`));
      expect(night.jobs.filter(({ name }) => others.some((other) => name.includes(other)))).toEqual([]);
      const touched = cluster.server.requests.writes.filter(({ path }) =>
        others.some((other) => path === `/api/v1/nodes/${other}`),
      );
      expect(touched).toEqual([]);
    });
  });

  it('a last worker that does not let us in costs nobody an upgraded control plane, in no night', async () => {
    await nights.cluster(PATCH, async (cluster) => {
      const { internalIp } = cluster.nodes.node('worker-2');
      for (const { metadata, data } of cluster.server.store.list(secrets)) {
        if (data?.['known_hosts'] === undefined) continue;
        const lines = Buffer.from(data['known_hosts'], 'base64').toString().split('\n');
        const known_hosts = Buffer.from(lines.filter((line) => !line.includes(internalIp)).join('\n')).toString(
          'base64',
        );
        cluster.server.store.modify(secrets, metadata.name, metadata.namespace, (secret) => {
          secret.data = { ...secret.data, known_hosts };
        });
      }
      for (const _ of ['the first', 'the second']) {
        const night = await runNight(cluster);
        expect(night.outcome, logOf(cluster)).toBe('blocked');
        expect(night.slack).toMatch(/worker-2/);
        expect(new Set(Object.values(versionsOf(night)))).toEqual(new Set(['1.36.3']));
        expect(night.nodes.every(({ schedulable }) => schedulable)).toBe(true);
      }
    });
  });

  it('a pod that has never been ready is no fault of the night, which names it, and the next version is looked for', async () => {
    await nights.cluster(
      SMALL,
      async (cluster) => {
        cluster.server.store.create(pods, {
          metadata: { name: 'dashboard-7f9c', namespace: 'kube-system', labels: { app: 'dashboard' } },
          spec: { containers: [{ name: 'main', image: 'missing:1' }], nodeSelector: { 'no-such': 'node' } },
        });
        await sleep(300);
        const first = await runNight(cluster);
        expect(first.outcome, logOf(cluster)).toBe('upgraded');
        expect(first.messages.join('\n')).toContain('dashboard-7f9c');
        cluster.feed.publish('1.36.5');
        const second = await runNight(cluster);
        expect(second.outcome, logOf(cluster)).toBe('upgraded');
        expect(new Set(Object.values(versionsOf(second)))).toEqual(new Set(['1.36.5']));
      },
      { settings: { waits: { readySeconds: 20 } } },
    );
  });

  it('a control plane without its label is upgraded as one, after the first and before the workers', async () => {
    await nights.cluster({ ...PATCH, controlPlanes: 2, workers: 1 }, async (cluster) => {
      cluster.server.store.modify(nodes, 'control-2', undefined, ({ metadata }) => {
        delete metadata.labels?.[CONTROL_PLANE];
      });
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      expect(new Set(Object.values(versionsOf(night)))).toEqual(new Set(['1.36.4']));
      const upgrades = cluster.nodes.commands.matching(/^kubeadm upgrade (apply|node)/);
      expect(upgrades.map(({ node, argv }) => `${node}: ${argv.slice(1, 3).join(' ')}`)).toEqual([
        'control-1: upgrade apply',
        'control-2: upgrade node',
        'worker-1: upgrade node',
      ]);
      const phases = night.jobs.map(({ name }) => name.replace(/^k8s-upgrade-/, '').replace(/-1-36-4.*$/, ''));
      expect(phases.filter((phase) => phase === 'master')).toHaveLength(2);
      expect(phases.filter((phase) => phase === 'worker')).toHaveLength(1);
    });
  });
});
