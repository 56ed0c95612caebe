import { describe, expect, it } from 'vitest';
import { nodes } from '../../src/rehearsal/api/resources.ts';
import type { EmbeddedCluster } from '../../src/rehearsal/embedded-cluster.ts';
import { runNight } from '../../src/rehearsal/night.ts';
import { NIGHT_MS, PATCH, useNights } from './nights.ts';

const LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';
const TAINT = 'nightlift/pending';

/** 'worker-1:T' has our taint, 'worker-1:L' the label, 'worker-1:C' a cordon. */
function marked({ server: { store } }: EmbeddedCluster): string {
  return store
    .list(nodes)
    .flatMap(({ metadata, spec }) => {
      const marks = [
        spec.taints?.some(({ key, effect }) => key === TAINT && effect === 'PreferNoSchedule') === true ? 'T' : '',
        metadata.labels?.[LABEL] === undefined ? '' : 'L',
        spec.unschedulable === true ? 'C' : '',
      ].join('');
      return marks === '' ? [] : [`${metadata.name}:${marks}`];
    })
    .toSorted()
    .join(' ');
}

describe('a night that marks what still has to go', { timeout: NIGHT_MS }, () => {
  const nights = useNights();

  it('taints what waits, takes each node out of load balancers before its cordon, and leaves nothing', async () => {
    const settings = {
      drain: { markPending: { preferNoSchedule: true, excludeFromLoadBalancers: true, loadBalancerSeconds: 1 } },
    };
    await nights.cluster(
      PATCH,
      async (cluster) => {
        const states: string[] = [];
        cluster.server.store.subscribe(({ resource }) => {
          if (resource !== nodes) return;
          const state = marked(cluster);
          if (state !== states.at(-1)) states.push(state);
        });
        const night = await runNight(cluster, { limitMs: NIGHT_MS });
        expect(night.outcome).toBe('upgraded');
        // kubeadm labels a control plane so itself where it is not to serve; here it is ours, for as long as its drain.
        const [one, both] = ['worker-2:T', 'worker-1:T worker-2:T'];
        const order = states.slice(states.indexOf(both));
        expect(order).toEqual([
          both,
          `control-1:L ${both}`,
          `control-1:LC ${both}`,
          both,
          `worker-1:TL ${one}`,
          `worker-1:TLC ${one}`,
          one,
          'worker-2:TL',
          'worker-2:TLC',
          '',
        ]);
      },
      { settings },
    );
  });
});
