import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../lab/lab-state.ts';
import type { ClusterApi } from './cluster-api.ts';
import { readWorkloads } from './cluster-objects.ts';
import { applyObjects, kubectl } from './kubectl.ts';
import { toolsImage } from './product-image.ts';

const labels = { app: 'web' };

/**
 * Three replicas of which two must be there; a new one needs 15 s to be Ready. A node that has two of them is held until
 * the first one's replacement is.
 */
const web = [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: 'web',
              image: toolsImage,
              command: ['sleep', 'infinity'],
              readinessProbe: { exec: { command: ['true'] }, initialDelaySeconds: 15, periodSeconds: 5 },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web', namespace: 'default' },
    spec: { minAvailable: 2, selector: { matchLabels: labels } },
  },
];

/** As operators that crash without an API server: the lab's settings have them scaled to zero meanwhile. */
export const quiesced = [
  { kind: 'Deployment', namespace: 'default', name: 'operator' },
  { kind: 'StatefulSet', namespace: 'default', name: 'store' },
] as const;

const operators = quiesced.map(({ kind, namespace, name }) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [{ name, image: toolsImage, command: ['sleep', 'infinity'] }],
      },
    },
  },
}));

export async function provideWorkload(lab: Lab): Promise<void> {
  await applyObjects(lab, [...web, ...operators]);
  for (const name of ['deployment/web', 'deployment/operator', 'statefulset/store'])
    await kubectl(lab, ['rollout', 'status', name, '--timeout=180s']);
}

export async function setBudget(lab: Lab, minAvailable: number): Promise<void> {
  await kubectl(lab, ['patch', 'pdb', 'web', '--type=merge', '-p', JSON.stringify({ spec: { minAvailable } })]);
}

export interface Watch {
  stop(): Promise<{ readonly fewest: number; readonly looks: number }>;
}

/** The fewest replicas that were available at any look. */
export function watchWorkload(api: ClusterApi): Watch {
  let [going, fewest, looks] = [true, Number.POSITIVE_INFINITY, 0];
  const loop = (async () => {
    while (going) {
      try {
        const found = (await readWorkloads(api)).find(({ name }) => name === 'deployments default/web');
        fewest = Math.min(fewest, found?.available ?? 0);
        looks += 1;
      } catch {
        // The API server is away: nothing is seen.
      }
      await sleep(1000);
    }
  })();
  return {
    async stop() {
      going = false;
      await loop;
      return { fewest, looks };
    },
  };
}
