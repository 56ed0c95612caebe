import { MIRROR_ANNOTATION } from '../api/deletion.ts';
import type { Container, Pod } from '../api/kinds.ts';
import type { PodLogs } from '../api/pod-logs.ts';
import { nodes, pods } from '../api/resources.ts';
import type { ControllerContext } from './controller-context.ts';
import { type ContainerState, isAlive, newContainerState, podStatus } from './kubelet-status.ts';
import { keyOf, splitKey } from './ownership.ts';
import { NotStartable, type PodRunner } from './pod-runner.ts';
import { startReconciler } from './reconciler.ts';

export interface KubeletOptions {
  readonly runners: readonly PodRunner[];
  readonly podLogs: PodLogs;
  /** Nodes whose kubelet does nothing at the moment; their containers run on. */
  readonly isStopped: (nodeName: string) => boolean;
}

export interface Kubelet {
  /** Looks at every pod of a node again, after its kubelet came back. */
  resync(nodeName: string): void;
  /** SIGKILL for the pod's containers, as if the kernel had done it. False when it has none running. */
  killPod(name: string, namespace: string): boolean;
  /** Every container of the node dies at once; whether the kubelet notices is another matter. */
  killNode(nodeName: string): void;
  close(): void;
}

interface PodState {
  readonly pod: Pod;
  readonly podIp: string;
  readonly containers: readonly ContainerState[];
  stopping: boolean;
}

const RETRY_SECONDS = 1;
const RESTART_SECONDS = 10;

/** The kubelets of all nodes: starts what is bound to a node, reports how it goes, ends what is deleted. */
export function startKubelet(context: ControllerContext, { runners, podLogs, isStopped }: KubeletOptions): Kubelet {
  const { store, secondMs } = context;
  const known = new Map<string, PodState>();
  let addresses = 0;

  const runnerFor = (container: Container, pod: Pod): PodRunner => {
    const runner = runners.find((each) => each.accepts(container, pod));
    if (runner === undefined)
      throw new Error(
        `No runner accepts container ${container.name} of pod ${keyOf(pod)}: add an ordinary runner at the end of the list`,
      );
    return runner;
  };

  const startContainer = (key: string, pod: Pod, container: Container, state: ContainerState): void => {
    const { uid } = pod.metadata;
    state.exit = undefined;
    state.startedAt = undefined;
    state.handle = runnerFor(container, pod).start(container, pod, {
      onRunning: () => {
        state.startedAt = store.now();
        reconciler.enqueue(key, 0);
      },
      onOutput: (chunk) => podLogs.append(uid, container.name, chunk),
      onExit: (exit) => {
        state.exit = exit;
        state.finishedAt = store.now();
        reconciler.enqueue(key, 0);
      },
    });
  };

  /** Milliseconds until something that could not start, or has to start again, is tried. */
  const startWhatShouldRun = (key: string, pod: Pod, state: PodState): number | undefined => {
    let againMs: number | undefined;
    for (const container of pod.spec.containers) {
      const own = state.containers.find(({ name }) => name === container.name);
      if (own === undefined || isAlive(own)) continue;
      if (own.exit !== undefined) {
        if (!restarts(pod, own.exit.exitCode)) continue;
        const dueAt = (own.finishedAt?.getTime() ?? 0) + RESTART_SECONDS * 2 ** own.restarts * secondMs;
        if (dueAt > store.now().getTime()) {
          againMs = dueAt - store.now().getTime();
          continue;
        }
        own.restarts += 1;
      }
      try {
        startContainer(key, pod, container, own);
      } catch (error) {
        if (!(error instanceof NotStartable)) throw error;
        againMs = RETRY_SECONDS * secondMs;
      }
    }
    return againMs;
  };

  const finish = (pod: Pod, state: PodState): void => {
    for (const { name } of state.containers) podLogs.end(pod.metadata.uid, name);
    writeStatus(pod, state, true);
    store.delete(pods, pod.metadata.name, pod.metadata.namespace, {
      gracePeriodSeconds: 0,
      preconditions: { uid: pod.metadata.uid },
    });
  };

  const writeStatus = (pod: Pod, state: PodState, final: boolean): void => {
    const untouched = state.containers.every(({ startedAt, exit }) => startedAt === undefined && exit === undefined);
    // A pod that was written as running already must not fall back to Pending while its stand-in starts.
    if (untouched && !final && pod.status.phase === 'Running') return;
    const node = store.get(nodes, pod.spec.nodeName ?? '');
    store.modify(pods, pod.metadata.name, pod.metadata.namespace, (draft) => {
      if (draft.status.phase === 'Succeeded' || draft.status.phase === 'Failed') return;
      draft.status = podStatus(draft, { states: state.containers, final, node, podIp: state.podIp, now: store.now() });
    });
  };

  const forget = (key: string, state: PodState): void => {
    for (const own of state.containers) {
      if (isAlive(own)) own.handle?.stop(0);
      podLogs.end(state.pod.metadata.uid, own.name);
    }
    for (const container of state.pod.spec.containers) runnerFor(container, state.pod).dispose?.(state.pod);
    known.delete(key);
  };

  const adopt = (key: string, pod: Pod): PodState => {
    addresses += 1;
    const podIp = `10.244.${addresses >> 8}.${addresses & 0xff}`;
    const containers = pod.spec.containers.map(({ name }) => newContainerState(name));
    const state: PodState = { pod, podIp, containers, stopping: false };
    known.set(key, state);
    return state;
  };

  const reconcile = (key: string): number | undefined => {
    const { namespace, name } = splitKey(key);
    const pod = store.get(pods, name, namespace);
    const old = known.get(key);
    if (old !== undefined && old.pod.metadata.uid !== pod?.metadata.uid) forget(key, old);
    if (pod === undefined || !isOurs(pod)) return undefined;
    if (isStopped(pod.spec.nodeName ?? '')) return undefined;
    const { phase } = pod.status;
    if (phase === 'Succeeded' || phase === 'Failed') {
      if (pod.metadata.deletionTimestamp !== undefined && known.has(key)) finishDeletion(pod);
      return undefined;
    }
    const state = known.get(key) ?? adopt(key, pod);
    if (pod.metadata.deletionTimestamp !== undefined) return endPod(pod, state);
    const againMs = startWhatShouldRun(key, pod, state);
    const final = state.containers.every(({ exit }) => exit !== undefined && !restarts(pod, exit.exitCode));
    writeStatus(pod, state, final);
    if (final) for (const own of state.containers) podLogs.end(pod.metadata.uid, own.name);
    return againMs;
  };

  const finishDeletion = ({ metadata }: Pod): void => {
    store.delete(pods, metadata.name, metadata.namespace, {
      gracePeriodSeconds: 0,
      preconditions: { uid: metadata.uid },
    });
  };

  const endPod = (pod: Pod, state: PodState): undefined => {
    const alive = state.containers.filter(isAlive);
    if (alive.length === 0) finish(pod, state);
    else if (!state.stopping) {
      state.stopping = true;
      for (const { handle } of alive) handle?.stop((pod.metadata.deletionGracePeriodSeconds ?? 0) * secondMs);
    }
    return undefined;
  };

  const reconciler = startReconciler(context, {
    keysOf: ({ resource, object }) => (resource === pods ? [keyOf(object)] : []),
    initialKeys: () => store.list(pods).map(keyOf),
    reconcile,
  });
  const killPod = (name: string, namespace: string): boolean => {
    const alive = known.get(`${namespace}/${name}`)?.containers.filter(isAlive) ?? [];
    for (const { handle } of alive) handle?.stop(0);
    return alive.length > 0;
  };

  return {
    killPod,
    resync: (nodeName) => {
      for (const pod of store.list(pods, { fields: { 'spec.nodeName': nodeName } })) reconciler.enqueue(keyOf(pod), 0);
    },
    killNode: (nodeName) => {
      for (const { pod } of known.values()) {
        if (store.get(pods, pod.metadata.name, pod.metadata.namespace)?.spec.nodeName !== nodeName) continue;
        killPod(pod.metadata.name, pod.metadata.namespace ?? '');
      }
    },
    close: () => {
      reconciler.close();
      for (const [key, state] of known) forget(key, state);
    },
  };
}

/** Bound to a node and not a mirror of a static pod, which belongs to whoever wrote it. */
function isOurs({ metadata, spec }: Pod): boolean {
  return (spec.nodeName ?? '') !== '' && metadata.annotations?.[MIRROR_ANNOTATION] === undefined;
}

function restarts({ spec }: Pod, code: number): boolean {
  return spec.restartPolicy === 'Always' || (spec.restartPolicy === 'OnFailure' && code !== 0);
}
