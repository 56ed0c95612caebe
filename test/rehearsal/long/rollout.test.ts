import { describe, expect, it } from 'vitest';
import { nodes } from '../../../src/rehearsal/api/resources.ts';
import type { EmbeddedCluster } from '../../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../../src/rehearsal/night.ts';
import { logOf, NIGHT_MS, useNights, versionsOf } from '../nights.ts';
import { FIVE_WORKERS, watchAway } from '../watch-away.ts';

const nights = useNights();
const TWO = { maxUnavailable: 2 };
const POSTFLIGHT = /^k8s-upgrade-postflight-/;

const postflights = (cluster: EmbeddedCluster): number =>
  new Set(cluster.logs.lines().flatMap(({ pod }) => (POSTFLIGHT.test(pod) ? [pod] : []))).size;

describe.concurrent('several workers at a time', { timeout: NIGHT_MS }, () => {
  it('go two by two, never three, and the last of them closes the run', async () => {
    await nights.cluster(
      FIVE_WORKERS,
      async (cluster) => {
        const watch = watchAway(cluster);
        const night = await runNight(cluster);
        watch.close();
        expect(night.outcome, logOf(cluster)).toBe('upgraded');
        expect(watch.most()).toBe(2);
        expect(watch.order).toHaveLength(5);
        expect(postflights(cluster)).toBe(1);
        expect(night.messages.join('\n')).not.toMatch(/FAILED|BLOCKED|PARTLY/);
      },
      { settings: { rollout: TWO } },
    );
  });

  it('I17 go on without one that fails, which is put back, named, and tried again in the next night', async () => {
    await nights.cluster(
      FIVE_WORKERS,
      async (cluster) => {
        cluster.nodes.commands.fail({
          match: /^kubeadm upgrade node/,
          node: 'worker-2',
          exitCode: 1,
          stderr: 'no space left\n',
          times: 1,
        });
        const watch = watchAway(cluster);
        const first = await runNight(cluster);
        expect(versionsOf(first), logOf(cluster)).toEqual({
          'control-1': '1.36.4',
          'worker-1': '1.36.4',
          'worker-2': '1.36.3',
          'worker-3': '1.36.4',
          'worker-4': '1.36.4',
          'worker-5': '1.36.4',
        });
        expect(first.nodes.every(({ schedulable }) => schedulable)).toBe(true);
        expect(first.messages.join('\n')).toMatch(/PARTLY DONE — 1\.36\.4[\s\S]*worker-2 was not upgraded/);
        expect(first.messages.join('\n')).not.toMatch(/upgrade complete/);
        expect(postflights(cluster)).toBe(0);
        expect(first.slack).toMatch(/FAILED — worker worker-2[\s\S]*partly done/);
        const second = await runNight(cluster);
        watch.close();
        expect(second.outcome, logOf(cluster)).toBe('upgraded');
        expect(versionsOf(second)['worker-2']).toBe('1.36.4');
        const left = cluster.server.store.read(nodes, 'worker-2').metadata.annotations ?? {};
        expect(Object.keys(left).filter((key) => key.startsWith('nightlift/'))).toEqual([]);
        expect(watch.most()).toBe(2);
      },
      { settings: { rollout: { ...TWO, maxFailed: 1 } } },
    );
  });
});
