import { createHash } from 'node:crypto';
import { rollingOf, Strategy } from '../../cluster/rollout.ts';
import type { Workload } from '../api/kinds.ts';
import { deployments, replicaSets } from '../api/resources.ts';
import type { Store } from '../api/store.ts';
import { withCondition } from './conditions.ts';
import type { ControllerContext } from './controller-context.ts';
import { controllerOf, keyOf, ownerKeys, ownerReference, splitKey } from './ownership.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

/** One ReplicaSet for each template. A new one gets all its pods at once; the old ones lose theirs as the new ones become Ready. */
export function startDeploymentController(context: ControllerContext): Reconciler {
  const { store } = context;
  return startReconciler(context, {
    keysOf: (event) => ownerKeys(deployments, event),
    initialKeys: () => store.list(deployments).map(keyOf),
    reconcile: (key) => {
      const { namespace, name } = splitKey(key);
      const deployment = store.get(deployments, name, namespace);
      if (deployment !== undefined && deployment.metadata.deletionTimestamp === undefined) reconcile(store, deployment);
      return undefined;
    },
  });
}

function reconcile(store: Store, deployment: Workload): void {
  const { name, namespace } = deployment.metadata;
  const replicas = deployment.spec.replicas ?? 1;
  const hash = templateHash(deployment);
  const owned = store
    .list(replicaSets, namespace === undefined ? {} : { namespace })
    .filter((each) => controllerOf(each)?.uid === deployment.metadata.uid);
  const current =
    owned.find((each) => each.metadata.name === `${name}-${hash}`) ?? createReplicaSet(store, deployment, hash);
  const { readyReplicas = 0, replicas: existing = 0 } = current.status;
  const rolling = rollingOf(Strategy.nullish().parse(deployment.spec['strategy']), replicas);
  let needed = rolling === null ? 0 : Math.max(0, replicas - rolling.unavailable - readyReplicas);
  for (const each of owned) {
    if (each === current) continue;
    const kept = Math.min(each.spec.replicas ?? 1, needed);
    needed -= kept;
    scale(store, each, kept);
  }
  scale(store, current, replicas);
  const others = owned.filter((each) => each !== current).reduce((sum, each) => sum + (each.status.replicas ?? 0), 0);
  store.modify(deployments, name, namespace, (draft) => {
    const available = readyReplicas >= replicas;
    const { readyReplicas: _, unavailableReplicas: __, availableReplicas: ___, ...kept } = draft.status;
    draft.status = {
      ...kept,
      observedGeneration: draft.metadata.generation ?? 1,
      replicas: existing + others,
      updatedReplicas: existing,
      ...(readyReplicas === 0 ? {} : { readyReplicas, availableReplicas: readyReplicas }),
      ...(available ? {} : { unavailableReplicas: replicas - readyReplicas }),
      conditions: withCondition(
        draft.status.conditions,
        available
          ? {
              type: 'Available',
              status: 'True',
              reason: 'MinimumReplicasAvailable',
              message: 'Deployment has minimum availability.',
            }
          : {
              type: 'Available',
              status: 'False',
              reason: 'MinimumReplicasUnavailable',
              message: 'Deployment does not have minimum availability.',
            },
        store.now(),
      ),
    };
  });
}

function templateHash({ spec }: Workload): string {
  return createHash('sha256').update(JSON.stringify(spec.template)).digest('hex').slice(0, 10);
}

function createReplicaSet(store: Store, deployment: Workload, hash: string): Workload {
  const { name, namespace } = deployment.metadata;
  const { selector, template, replicas } = deployment.spec;
  const labels = { ...template.metadata?.labels, 'pod-template-hash': hash };
  return store.create(replicaSets, {
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      annotations: { 'deployment.kubernetes.io/revision': '1' },
      ownerReferences: [ownerReference(deployments, deployment)],
    },
    spec: {
      replicas: replicas ?? 1,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, 'pod-template-hash': hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  });
}

function scale(store: Store, replicaSet: Workload, replicas: number): void {
  if (replicaSet.spec.replicas === replicas) return;
  store.modify(replicaSets, replicaSet.metadata.name, replicaSet.metadata.namespace, (draft) => {
    draft.spec.replicas = replicas;
  });
}
