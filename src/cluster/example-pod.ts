import type { Budget, PodFact } from './cluster.ts';
import type { PodPlacement } from './pod-placement.ts';

export interface ExamplePod extends Partial<Omit<PodFact, 'placement'>> {
  readonly placement?: Partial<PodPlacement>;
}

/** A running pod of a Deployment on w1, for tests; what a test is about it gives itself. */
export function examplePod(name: string, { placement, ...fields }: ExamplePod = {}): PodFact {
  return {
    namespace: 'apps',
    name,
    uid: `uid-${name}`,
    node: 'w1',
    phase: 'Running',
    ready: true,
    crashLooping: false,
    ip: '10.244.0.9',
    unschedulable: null,
    deleting: false,
    goneBy: null,
    finalizers: [],
    mirror: false,
    owner: { kind: 'ReplicaSet', name: 'web' },
    usesEmptyDir: false,
    usesClaim: false,
    labels: {},
    images: ['web:1'],
    terminationGraceSeconds: 30,
    restartedAt: null,
    apiServerAddress: null,
    ...fields,
    placement: { requests: {}, nodeSelector: {}, nodeAffinity: null, tolerations: [], priority: 0, ...placement },
  };
}

/** A budget of the namespace apps that allows nothing; what a test is about it gives itself. */
export function exampleBudget(name: string, fields: Partial<Budget> = {}): Budget {
  return {
    namespace: 'apps',
    name,
    disruptionsAllowed: 0,
    currentHealthy: 1,
    desiredHealthy: 1,
    expectedPods: 1,
    selector: { matchLabels: { app: name } },
    ...fields,
  };
}
