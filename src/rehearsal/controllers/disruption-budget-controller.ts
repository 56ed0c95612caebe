import { isReady } from '../api/eviction.ts';
import type { OwnerReference, Pod, PodDisruptionBudget, Workload } from '../api/kinds.ts';
import type { Resource } from '../api/resource.ts';
import { deployments, podDisruptionBudgets, pods, replicaSets, resourceOf, statefulSets } from '../api/resources.ts';
import { matchesSelector } from '../api/selector.ts';
import type { Store } from '../api/store.ts';
import { withCondition } from './conditions.ts';
import type { ControllerContext } from './controller-context.ts';
import { controllerOf, keyOf, splitKey } from './ownership.ts';
import { type Reconciler, startReconciler } from './reconciler.ts';

/** How long an allowed eviction may take to show before it no longer counts. */
const DISRUPTION_TIMEOUT_SECONDS = 120;
const SCALED: Readonly<Record<string, Resource<Workload>>> = { ReplicaSet: replicaSets, StatefulSet: statefulSets };

export function startDisruptionBudgetController(context: ControllerContext): Reconciler {
  const { store } = context;
  return startReconciler(context, {
    keysOf: ({ resource, object }) => {
      if (resource === podDisruptionBudgets) return [keyOf(object)];
      if (resource !== pods && resource !== replicaSets && resource !== deployments && resource !== statefulSets)
        return [];
      const { namespace } = object.metadata;
      return store.list(podDisruptionBudgets, namespace === undefined ? {} : { namespace }).map(keyOf);
    },
    initialKeys: () => store.list(podDisruptionBudgets).map(keyOf),
    reconcile: (key) => {
      const { namespace, name } = splitKey(key);
      const budget = store.get(podDisruptionBudgets, name, namespace);
      return budget === undefined ? undefined : reconcile(context, budget);
    },
  });
}

function reconcile({ store, secondMs }: ControllerContext, budget: PodDisruptionBudget): number | undefined {
  const { name, namespace } = budget.metadata;
  const selected = store
    .list(pods, namespace === undefined ? {} : { namespace })
    .filter((pod) => pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed')
    .filter((pod) => matchesSelector(budget.spec.selector, pod.metadata.labels));
  const disrupted = stillDisrupted(budget, selected, store.now(), secondMs);
  const scaleless = ownerWithoutScale(budget, selected);
  if (scaleless !== undefined) {
    failSafe(store, budget, whyNoScale(scaleless));
    return undefined;
  }
  const expected = expectedPods(store, budget, selected);
  const desired = desiredHealthy(budget, expected);
  const healthy = selected.filter(
    (pod) => pod.metadata.deletionTimestamp === undefined && isReady(pod) && disrupted[pod.metadata.name] === undefined,
  ).length;
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
  store.modify(podDisruptionBudgets, name, namespace, (draft) => {
    const { disruptedPods: _, ...kept } = draft.status;
    draft.status = {
      ...kept,
      observedGeneration: draft.metadata.generation ?? 1,
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
      conditions: withCondition(
        draft.status.conditions,
        {
          type: 'DisruptionAllowed',
          status: allowed > 0 ? 'True' : 'False',
          reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
          message: '',
        },
        store.now(),
      ),
    };
  });
  return Object.keys(disrupted).length === 0 ? undefined : DISRUPTION_TIMEOUT_SECONDS * secondMs;
}

/** What could not be counted lets nothing go, and leaves every number as it was: controller-manager's own way. */
function failSafe(store: Store, { metadata }: PodDisruptionBudget, message: string): void {
  store.modify(podDisruptionBudgets, metadata.name, metadata.namespace, (draft) => {
    const failed = { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message } as const;
    const conditions = withCondition(draft.status.conditions, failed, store.now());
    draft.status = { ...draft.status, disruptionsAllowed: 0, conditions };
  });
}

/** Asked only where the replicas of owners are counted. */
function ownerWithoutScale({ spec }: PodDisruptionBudget, selected: readonly Pod[]): OwnerReference | undefined {
  if (typeof spec.minAvailable === 'number') return undefined;
  return selected.map(controllerOf).find((owner) => owner !== undefined && SCALED[owner.kind] === undefined);
}

function whyNoScale({ apiVersion, kind }: OwnerReference): string {
  const found = resourceOf(apiVersion, kind);
  if (found === undefined) return `no matches for kind "${kind}" in version "${apiVersion}"`;
  const name = found.group === '' ? found.plural : `${found.plural}.${found.group}`;
  return `${name} does not implement the scale subresource`;
}

function stillDisrupted(
  { status }: PodDisruptionBudget,
  selected: readonly Pod[],
  now: Date,
  secondMs: number,
): Record<string, string> {
  const entries = Object.entries(status.disruptedPods ?? {}).filter(([name, since]) => {
    const pod = selected.find((each) => each.metadata.name === name);
    const expiredAt = Date.parse(since) + DISRUPTION_TIMEOUT_SECONDS * secondMs;
    return pod !== undefined && pod.metadata.deletionTimestamp === undefined && now.getTime() < expiredAt;
  });
  return Object.fromEntries(entries);
}

/** With a percentage or maxUnavailable the workloads' own numbers count, not the pods that happen to exist. */
function expectedPods(store: Store, { spec }: PodDisruptionBudget, selected: readonly Pod[]): number {
  if (typeof spec.minAvailable === 'number') return selected.length;
  const owners = new Map<string, number>();
  for (const pod of selected) {
    const owner = controllerOf(pod);
    const resource = owner === undefined ? undefined : SCALED[owner.kind];
    if (owner === undefined || resource === undefined) continue;
    owners.set(owner.uid, store.get(resource, owner.name, pod.metadata.namespace)?.spec.replicas ?? 0);
  }
  return [...owners.values()].reduce((sum, replicas) => sum + replicas, 0);
}

/** Percentages are rounded up. */
export function desiredHealthy({ spec }: PodDisruptionBudget, expected: number): number {
  if (spec.minAvailable !== undefined) return portion(spec.minAvailable, expected);
  if (spec.maxUnavailable !== undefined) return Math.max(0, expected - portion(spec.maxUnavailable, expected));
  return 0;
}

function portion(value: number | string, expected: number): number {
  if (typeof value === 'number') return value;
  return Math.ceil((Number(value.replace('%', '')) / 100) * expected);
}
