import { describe, expect, it } from 'vitest';
import { nodes } from '../../src/rehearsal/api/resources.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { ANYWHERE, CURRENT, logOf, NIGHT_MS, nightWith, PATCH, SMALL, useNights, versionsOf } from './nights.ts';

const nights = useNights();

describe.concurrent('the night after', { timeout: NIGHT_MS }, () => {
  it('a finished night changes nothing', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      expect((await runNight(cluster)).outcome, logOf(cluster)).toBe('upgraded');
      cluster.server.requests.clear();
      const commands = cluster.nodes.commands.records.length;
      const night = await runNight(cluster);
      expect(night.outcome).toBe('nothing');
      expect(night.messages).toEqual([]);
      // But for the record that it has looked.
      expect(cluster.server.requests.writes.map(({ method, path }) => `${method} ${path}`)).toEqual([
        'PATCH /api/v1/namespaces/k8s-upgrade/configmaps/k8s-upgrade-state',
      ]);
      const looks = cluster.nodes.commands.records.slice(commands).map(({ argv }) => argv.join(' '));
      expect(looks.filter((line) => /kubeadm upgrade|install|hold|restart/.test(line))).toEqual([]);
    });
  });

  it('with nothing to do takes at most 21 API requests, one of them the record of the look', async () => {
    await nights.cluster(CURRENT, async (cluster) => {
      const night = await runNight(cluster);
      expect(night.outcome, logOf(cluster)).toBe('nothing');
      expect(cluster.server.requests.records.length).toBeLessThanOrEqual(21);
    });
  });

  it('I08 I17 D08 a step that failed leaves the node in service, and its failed Job is replaced', async () => {
    await nights.cluster(SMALL, async (cluster) => {
      cluster.nodes.commands.fail({
        match: /^kubeadm upgrade apply/,
        exitCode: 1,
        stderr: 'etcd did not answer\n',
        times: 1,
      });
      const first = await runNight(cluster);
      expect(first.outcome, logOf(cluster)).toBe('failed');
      expect(first.nodes.every(({ schedulable }) => schedulable)).toBe(true);
      expect(first.messages.join('\n')).toMatch(/kubeadm upgrade apply/);
      expect(versionsOf(first)).toEqual({ 'control-1': '1.36.3', 'worker-1': '1.36.3' });
      cluster.server.requests.clear();
      const second = await runNight(cluster);
      expect(second.outcome, logOf(cluster)).toBe('upgraded');
      // Why the first one stopped is forgotten before the second begins, which may stop without being able to say why.
      const writes = cluster.server.requests.writes.map(({ method, path }) => `${method} ${path}`);
      const forgets = writes.findIndex((write) => /^PATCH \/api\/v1\/namespaces\/[^/]+$/.test(write));
      expect(forgets).toBeGreaterThanOrEqual(0);
      expect(forgets).toBeLessThan(writes.findIndex((write) => /^POST .*\/jobs$/.test(write)));
      expect(cluster.pushgateway.value('k8s-version-upgrade', 'k8s_upgrade_in_flight')).toBe(0);
    });
  });

  it('I05 I13 a run that stopped half-way goes on from the oldest kubelet', async () => {
    await nights.cluster(PATCH, async (cluster) => {
      const first = await nightWith(
        cluster,
        () => cluster.nodes.commands.matching(/^kubeadm upgrade apply/).some(({ finishedAt }) => finishedAt !== null),
        () => cluster.prometheus.setAlert({ name: 'CheckoutErrors', severity: 'critical' }),
      );
      expect(first.outcome, logOf(cluster)).toBe('halted');
      expect(versionsOf(first)['worker-1']).toBe('1.36.3');
      cluster.prometheus.clearAlert('CheckoutErrors');
      const second = await runNight(cluster);
      expect(second.outcome, logOf(cluster)).toBe('upgraded');
      expect(cluster.nodes.commands.matching(/^kubeadm upgrade apply/).length).toBe(1);
    });
  });

  it('I07 a worker that joins while the chain runs is upgraded too', async () => {
    await nights.cluster(ANYWHERE, async (cluster) => {
      const { store } = cluster.server;
      const late = store.read(nodes, 'worker-2');
      store.delete(nodes, 'worker-2');
      const night = await nightWith(
        cluster,
        () => cluster.nodes.commands.matching(/^kubeadm upgrade node/, 'worker-1').length > 0,
        () => {
          const { name, labels = {} } = late.metadata;
          store.create(nodes, { metadata: { name, labels }, spec: {}, status: late.status });
        },
      );
      expect(night.outcome, logOf(cluster)).toBe('upgraded');
      expect(versionsOf(night)).toEqual({ 'control-1': '1.36.4', 'worker-1': '1.36.4', 'worker-2': '1.36.4' });
    });
  });

  it('I05 a run that left a mark on a node that is on its version is closed first, though a minor has appeared', async () => {
    await nights.cluster({ ...SMALL, published: ['1.36.4', '1.37.1'] }, async (cluster) => {
      expect((await runNight(cluster)).outcome, logOf(cluster)).toBe('upgraded');
      const { store } = cluster.server;
      const worker = store.read(nodes, 'worker-1');
      const annotations = { ...worker.metadata.annotations, 'nightlift/unfinished': '1.36.4' };
      store.update(nodes, { ...worker, metadata: { ...worker.metadata, annotations } });
      const night = await runNight(cluster);
      expect([night.outcome, night.target], logOf(cluster)).toEqual(['upgraded', '1.36.4']);
      expect(versionsOf(night)).toEqual({ 'control-1': '1.36.4', 'worker-1': '1.36.4' });
      expect(store.read(nodes, 'worker-1').metadata.annotations?.['nightlift/unfinished']).toBeUndefined();
    });
  });
});
