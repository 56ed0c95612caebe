import { expect, test } from 'vitest';
import { drain } from '../../src/steps/drain/drain.ts';
import type { ChainSubject } from './chain-subject.ts';
import { eventually, type Loose } from './contract/subject.ts';

const STARTS_AFTER_MS = 400;
const ENDS_AFTER_MS = 200;

export function restartOwnerContract(subject: () => ChainSubject): void {
  const merge = { contentType: 'application/merge-patch+json' };
  const isReady = ({ status }: Loose): boolean =>
    status.conditions?.some((each: Loose) => each.type === 'Ready' && each.status === 'True') === true;
  const cordon = async (node: string, unschedulable: boolean): Promise<void> => {
    await subject().raw('PATCH', `/api/v1/nodes/${node}`, { spec: { unschedulable: unschedulable || null } }, merge);
    await eventually(async () => {
      const { spec } = (await subject().raw('GET', `/api/v1/nodes/${node}`)).body;
      expect((spec.taints ?? []).length).toBe(unschedulable ? 1 : 0);
    });
  };

  interface Seen {
    /** Fewest Ready pods at any look, those on their way out left out. */
    fewest: number;
    /** Node of every pod that was seen Ready, in that order. */
    readonly nodes: string[];
    readonly healthy: string[];
  }

  /** Plays the kubelets of a namespace and keeps what it sees. */
  function kubelets(namespace: string, budget: string): { readonly seen: Seen; stop(): Promise<void> } {
    const seen: Seen = { fewest: Number.POSITIVE_INFINITY, nodes: [], healthy: [] };
    const [bound, ending, ready] = [new Map<string, number>(), new Map<string, number>(), new Set<string>()];
    let stopped = false;
    const look = async (): Promise<void> => {
      const pods = await subject().list(`/api/v1/namespaces/${namespace}/pods`);
      const { status } = (await subject().raw('GET', budget)).body;
      const now = Date.now();
      const up = pods.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
      if (ready.size > 0) {
        seen.fewest = Math.min(seen.fewest, up.length);
        seen.healthy.push(`${status?.currentHealthy}/${status?.desiredHealthy}`);
      }
      for (const { metadata, spec, status: pod } of pods) {
        if (metadata.deletionTimestamp !== undefined) {
          const since = ending.get(metadata.uid) ?? now;
          ending.set(metadata.uid, since);
          if (now - since >= ENDS_AFTER_MS) await subject().remove(namespace, metadata.name);
        } else if (spec.nodeName !== undefined && pod.phase === 'Pending') {
          const since = bound.get(metadata.uid) ?? now;
          bound.set(metadata.uid, since);
          if (now - since < STARTS_AFTER_MS) continue;
          await subject().run(namespace, metadata.name);
          ready.add(metadata.uid);
          seen.nodes.push(spec.nodeName);
        }
      }
    };
    const loop = (async () => {
      while (!stopped) {
        await look();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    return {
      seen,
      async stop() {
        stopped = true;
        await loop;
      },
    };
  }

  test('D07 rolls a single replica: its next pod is Ready on another node first, and the budget never goes under', async () => {
    const namespace = await subject().namespace();
    const labels = { app: 'web' };
    const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    await subject().raw('POST', path, {
      metadata: { name: 'keep' },
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    });
    const { seen, stop } = kubelets(namespace, `${path}/keep`);
    try {
      await cordon('w2', true);
      await cordon('cp', true);
      const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      const made = await subject().raw('POST', deployments, {
        metadata: { name: 'web' },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: { containers: [{ name: 'main', image: 'registry.example/app:1' }] },
          },
        },
      });
      expect(made.status).toBe(201);
      await eventually(async () => {
        const { status } = (await subject().raw('GET', `${path}/keep`)).body;
        expect([seen.nodes, status.currentHealthy, status.disruptionsAllowed]).toEqual([['w1'], 1, 0]);
      });
      await cordon('w2', false);

      const settings = `drain: { policies: [{ namespace: ${namespace}, action: restart-owner }] }`;
      const { context, log } = subject().process({ settings });
      await drain.run(context({ phase: 'worker', node: 'w1' }, '1.36.4'));

      const left = await subject().list(`/api/v1/namespaces/${namespace}/pods`);
      expect(left.map(({ spec }) => spec.nodeName)).toEqual(['w2']);
      expect(left.every(isReady)).toBe(true);
      expect(seen.nodes).toEqual(['w1', 'w2']);
      expect(seen.fewest).toBe(1);
      for (const healthy of seen.healthy) expect(healthy).toMatch(/^[12]\/1$/);
      expect(log.filter((line) => line.includes('restarting the owner'))).toHaveLength(1);
      const { metadata } = (await subject().raw('GET', `${deployments}/web`)).body.spec.template;
      expect(metadata.annotations['kubectl.kubernetes.io/restartedAt']).toMatch(/^\d{4}-/);
    } finally {
      await stop();
      for (const node of ['w1', 'w2', 'cp']) await cordon(node, false);
    }
  }, 60_000);
}
