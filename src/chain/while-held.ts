import type { Cluster } from '../cluster/cluster.ts';
import type { Deps } from '../deps.ts';
import type { RunLock } from './run-lock.ts';

/** What every method of the cluster does. One that is new has to be put here, or the types do not fit. */
const CLUSTER_CALLS: Readonly<Record<keyof Cluster, 'reads' | 'changes'>> = {
  serverVersion: 'reads',
  serverTime: 'reads',
  awayMs: 'reads',
  lookForAway: 'reads',
  health: 'reads',
  node: 'reads',
  controlPlanes: 'reads',
  outlines: 'reads',
  foldPods: 'reads',
  podCount: 'reads',
  podWarnings: 'reads',
  readiness: 'reads',
  leavingPods: 'reads',
  nodes: 'reads',
  otherNodes: 'reads',
  kubeadmConfigVersion: 'reads',
  imageSources: 'reads',
  etcdConfiguration: 'reads',
  kubeadmApi: 'reads',
  workloads: 'reads',
  pods: 'reads',
  watchPods: 'reads',
  budgets: 'reads',
  apiService: 'reads',
  dnsService: 'reads',
  cordon: 'changes',
  uncordon: 'changes',
  changeRecord: 'changes',
  records: 'reads',
  clusterName: 'reads',
  mark: 'changes',
  markUnfinished: 'changes',
  markFailed: 'changes',
  heldSince: 'reads',
  writeHeldSince: 'changes',
  evict: 'changes',
  tryEviction: 'reads',
  deletePod: 'changes',
  ownerOf: 'reads',
  restart: 'changes',
  quiesce: 'changes',
  quiescedWorkloads: 'reads',
  restore: 'changes',
  configMap: 'reads',
  writeConfigMap: 'changes',
  deleteConfigMap: 'changes',
  namespaceAnnotations: 'reads',
  annotateNamespace: 'changes',
  claims: 'reads',
  createClaim: 'changes',
  deleteClaim: 'changes',
  jobs: 'reads',
  job: 'reads',
  createJob: 'changes',
  deleteJob: 'changes',
  cronJob: 'reads',
  createJobFromCronJob: 'changes',
  jobLog: 'reads',
  jobOrigin: 'reads',
  lease: 'reads',
  leases: 'reads',
  writeLease: 'changes',
  rebootLock: 'reads',
  writeRebootLock: 'changes',
  allowed: 'reads',
};

/**
 * The same ports, for as long as the lock is held: the clocks are looked at before each change of the cluster and before
 * each command on a node. What is on its way by then is ended by the lock's `lost`, within a second of the lock's own look.
 */
export function whileHeld(deps: Deps, lock: Pick<RunLock, 'assertHeld'>): Deps {
  const calls: Readonly<Record<string, string>> = CLUSTER_CALLS;
  return {
    ...deps,
    cluster: guarded(deps.cluster, (name) => calls[name] !== 'reads', lock),
    shell: guarded(deps.shell, (name) => name !== 'close', lock),
  };
}

function guarded<T extends object>(
  port: T,
  isGuarded: (method: string) => boolean,
  lock: Pick<RunLock, 'assertHeld'>,
): T {
  return new Proxy(port, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || typeof name !== 'string' || !isGuarded(name)) return method;
      return async (...call: readonly unknown[]): Promise<unknown> => {
        lock.assertHeld();
        return (await Reflect.apply(method, target, call)) as unknown;
      };
    },
  });
}
