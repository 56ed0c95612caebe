import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobs, pods } from '../../../src/rehearsal/api/resources.ts';
import { nodeViews, runningPod } from '../../../src/rehearsal/cluster-view.ts';
import type { EmbeddedCluster } from '../../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../../src/rehearsal/night.ts';
import type { Topology } from '../../../src/rehearsal/topology.ts';
import { callCli, type HowCalled } from '../../support/call-cli.ts';
import { logOf, NIGHT_MS, nightWith, useNights } from '../nights.ts';

const nights = useNights();
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'nightlift-path-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const BEHIND: Topology = {
  controlPlanes: 1,
  workers: 1,
  version: '1.35.8',
  published: ['1.36.3', '1.36.4', '1.37.0', '1.37.1'],
  addons: [],
};

/** Goes up to 1.36. */
const CALICO = {
  kind: 'DaemonSet',
  namespace: 'kube-system',
  name: 'calico-node',
  image: 'quay.io/calico/node:v3.32.1',
} as const;

function person({ server }: EmbeddedCluster) {
  const file = join(directory, `kubeconfig-${server.port}`);
  writeFileSync(file, server.kubeconfig());
  return async (argv: readonly string[], how: HowCalled = {}) => await callCli([...argv, '--kubeconfig', file], how);
}

const versionsNow = (cluster: EmbeddedCluster) => [...new Set(nodeViews(cluster).map(({ version }) => version))];

function appliedTo({ nodes }: EmbeddedCluster): readonly string[] {
  return nodes.commands
    .matching(/^kubeadm upgrade apply/)
    .flatMap(({ argv }) => /1\.\d+\.\d+/.exec(argv.join(' ')) ?? []);
}

describe.concurrent('upgrade --to a version that is several minors away', { timeout: NIGHT_MS }, () => {
  it('goes there hop by hop, asked once, and says with which snapshots', async () => {
    await nights.cluster(BEHIND, async (cluster) => {
      const { code, out, err } = await person(cluster)(['upgrade', '--to', '1.37.1', '--yes']);
      expect([code, err], out).toEqual([0, '']);
      expect(out).toMatch(/^1\.35\.8 ─▶ 1\.36\.4 ─▶ 1\.37\.1: 2 hops × 2 nodes/);
      expect(out).toMatch(/^Snapshots of etcd, one before each hop: by CronJob default\/backup-etcd/m);
      expect(out).toMatch(
        /^\[1\/2\] Upgrading to 1\.36\.4$[^]*^Done: all 2 nodes are on 1\.36\.4\.$[^]*^\[2\/2\] Upgrading to 1\.37\.1$/m,
      );
      expect(out.match(/^ {2}snapshot of etcd: \/backup\/etcd-\S+\.db \(7\.3 MB\)$/gm)).toHaveLength(2);
      expect(out.trimEnd()).toMatch(/\nDone: 1\.35\.8 ─▶ 1\.36\.4 ─▶ 1\.37\.1, after \d+m?\d*s\.$/);
      expect(versionsNow(cluster)).toEqual(['1.37.1']);
      expect(appliedTo(cluster)).toEqual(['1.36.4', '1.37.1']);
    });
  });

  it('goes three minors, with one object for programs at the end', async () => {
    await nights.cluster(
      { ...BEHIND, version: '1.34.6', published: [...BEHIND.published, '1.35.8'] },
      async (cluster) => {
        const { code, out, err } = await person(cluster)(['upgrade', '--to', '1.37.1', '--yes', '-o', 'json']);
        expect([code, err], out).toEqual([0, '']);
        expect(JSON.parse(out)).toMatchObject({
          outcome: 'upgraded',
          target: '1.37.1',
          path: ['1.34.6', '1.35.8', '1.36.4', '1.37.1'],
          hops: ['1.35.8', '1.36.4', '1.37.1'].map((target) => ({ outcome: 'upgraded', target })),
        });
        expect(versionsNow(cluster)).toEqual(['1.37.1']);
      },
    );
  });

  it('stops between two hops when the gate says no to the next, and says how to go on', async () => {
    await nights.cluster({ ...BEHIND, addons: [CALICO] }, async (cluster) => {
      const { code, out } = await person(cluster)(['upgrade', '--to', '1.37.1', '--yes']);
      expect(code, out).toBe(2);
      expect(out).toMatch(
        /^ {2}The path would end before it: as far as is known today, it is held:\n.*calico[^]*^\[1\/2\] Upgrading to 1\.36\.4$/m,
      );
      expect(out).toMatch(/^\[2\/2\] Upgrading to 1\.37\.1$[^]*calico[^]*\[addon-compat: AddonWaiting\]/m);
      expect(out.trimEnd()).toMatch(
        /\nHop 2 of 2, to 1\.37\.1, is not done\. To go on: nightlift upgrade --to 1\.37\.1$/,
      );
      expect(versionsNow(cluster)).toEqual(['1.36.4']);
      expect(appliedTo(cluster)).toEqual(['1.36.4']);
    });
  });

  it.each([
    ['between two hops', 'Done: all 2 nodes are on 1.36.4.'],
    ['in a hop', 'control-1: kubelet 1.36.4, API server 1.36.4'],
    ['as soon as a hop is started', 'Started: the chain goes on by itself'],
  ])('killed %s, goes on with the same command, and does nothing twice', async (_, interruptAt) => {
    await nights.cluster(BEHIND, async (cluster) => {
      const call = person(cluster);
      const killed = await call(['upgrade', '--to', '1.37.1', '--yes'], { interruptAt });
      expect(killed.code, killed.out).toBe(130);
      expect(killed.err).toMatch(
        /^Stopped in hop [12] of 2, to 1\.3[67]\.[14]\. To go on: nightlift upgrade --to 1\.37\.1$/m,
      );
      const { code, out } = await call(['upgrade', '--to', '1.37.1', '--yes']);
      expect(code, out).toBe(0);
      expect(versionsNow(cluster)).toEqual(['1.37.1']);
      expect(appliedTo(cluster)).toEqual(['1.36.4', '1.37.1']);
    });
  });

  it('is refused before anything is done when a minor on the way may not be taken', async () => {
    await nights.cluster(
      BEHIND,
      async (cluster) => {
        const { code, out } = await person(cluster)(['upgrade', '--to', '1.37.1', '--yes']);
        expect([code, out]).toEqual([
          2,
          expect.stringMatching(/^Refused: 1\.36 lies on the way .* above the ceiling 1\.35/),
        ]);
        // Whether a pod may be evicted is asked by an eviction that is none.
        expect(cluster.server.requests.writes.filter(({ path }) => !path.endsWith('/eviction'))).toEqual([]);
        expect(cluster.server.store.list(pods, { namespace: 'shop' }).length).toBeGreaterThan(0);
      },
      { settings: { target: { ceiling: '1.35' } } },
    );
  });
});

describe.concurrent('target.hopsPerNight', { timeout: NIGHT_MS }, () => {
  const { published } = BEHIND;
  const detections = ({ server: { store } }: EmbeddedCluster) =>
    store
      .list(jobs, { namespace: 'k8s-upgrade' })
      .map(({ metadata }) => metadata.name)
      .filter((name) => name.startsWith('k8s-version-check-after'));

  it('goes on with the next detection until they are done, killed on the way or not, and the report tells all of them', async () => {
    await nights.cluster(
      { ...BEHIND, published: [...published, '1.38.1'] },
      async (cluster) => {
        const second = () => runningPod(cluster, 'k8s-version-check-after-1-36-4');
        const night = await nightWith(
          cluster,
          () => second() !== undefined,
          () => void cluster.controllers.killPod(second()?.metadata.name ?? '', 'k8s-upgrade'),
        );
        expect([night.outcome, night.refusals], logOf(cluster)).toEqual(['upgraded', []]);
        expect(versionsNow(cluster)).toEqual(['1.37.1']);
        expect(appliedTo(cluster)).toEqual(['1.36.4', '1.37.1']);
        expect(detections(cluster)).toEqual(['k8s-version-check-after-1-36-4']);
        expect(night.slack).toMatch(
          /UPGRADED — all nodes now on 1\.37\.1[^]*In 2 hops: 1\.35\.8 → 1\.36\.4 → 1\.37\.1\./,
        );
        expect(night.messages.filter((text) => text.includes('upgrade complete'))).toHaveLength(2);
      },
      { settings: { target: { hopsPerNight: 2 } } },
    );
  });

  it('leaves the rest to the next night by default, and after a run that a person has begun', async () => {
    await nights.cluster(BEHIND, async (cluster) => {
      await runNight(cluster);
      expect([versionsNow(cluster), detections(cluster)]).toEqual([['1.36.4'], []]);
    });
    await nights.cluster(
      BEHIND,
      async (cluster) => {
        const { code, out } = await person(cluster)(['upgrade', '--to', '1.36.4', '--yes']);
        expect([code, versionsNow(cluster), detections(cluster)], out).toEqual([0, ['1.36.4'], []]);
      },
      { settings: { target: { hopsPerNight: 2 } } },
    );
  });
});

describe.concurrent('plan for a version that is several minors away', { timeout: NIGHT_MS }, () => {
  it('has the first hop in full and the later ones counted', async () => {
    await nights.cluster(BEHIND, async (cluster) => {
      const call = person(cluster);
      const { code, out } = await call(['plan', '--target', '1.37.1']);
      expect([code, out]).toEqual([0, expect.stringMatching(/^1\.35\.8 ─▶ 1\.36\.4 ─▶ 1\.37\.1: 2 hops × 2 nodes/)]);
      expect(out).toMatch(
        /^\[2\/2\] 1\.36\.4 ─▶ 1\.37\.1 \(minor\): a person asked for it\n {2}4 steps, about \d+ min: 1 × preflight, 1 × master, 1 × worker, 1 × postflight$/m,
      );
      expect(out).toMatch(/^1\.36\.4: /m);
      const json = JSON.parse((await call(['plan', '--target', '1.37.1', '-o', 'json'])).out) as object;
      expect(json).toMatchObject({
        from: '1.35.8',
        target: '1.37.1',
        path: ['1.35.8', '1.36.4', '1.37.1'],
        hops: [
          { from: '1.35.8', target: '1.36.4' },
          { from: '1.36.4', target: '1.37.1' },
        ],
        gate: { target: '1.36.4' },
      });
    });
  });
});
