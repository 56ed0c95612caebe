import type { ContainerStatus, Node, Pod, PodStatus } from '../api/kinds.ts';
import { timestamp } from '../api/object-changes.ts';
import { type NextCondition, withCondition } from './conditions.ts';
import type { ContainerExit, RunningContainer } from './pod-runner.ts';

/** What the kubelet stand-in knows about a container; the pod's status is written from it. */
export interface ContainerState {
  readonly name: string;
  handle: RunningContainer | undefined;
  startedAt: Date | undefined;
  exit: ContainerExit | undefined;
  finishedAt: Date | undefined;
  restarts: number;
  /** Why it has not started. */
  waiting: string;
}

export function newContainerState(name: string): ContainerState {
  return {
    name,
    handle: undefined,
    startedAt: undefined,
    exit: undefined,
    finishedAt: undefined,
    restarts: 0,
    waiting: 'ContainerCreating',
  };
}

export function isRunning({ startedAt, exit }: ContainerState): boolean {
  return startedAt !== undefined && exit === undefined;
}

/** Whether something of it may still be at work. */
export function isAlive({ handle, exit }: ContainerState): boolean {
  return handle !== undefined && exit === undefined;
}

function containerStatus(state: ContainerState, pod: Pod): ContainerStatus {
  const image = pod.spec.containers.find(({ name }) => name === state.name)?.image ?? '';
  const { startedAt, finishedAt, exit } = state;
  const shared = { name: state.name, ready: isRunning(state), restartCount: state.restarts, image, imageID: image };
  if (exit !== undefined) {
    const times = {
      ...(startedAt === undefined ? {} : { startedAt: timestamp(startedAt) }),
      ...(finishedAt === undefined ? {} : { finishedAt: timestamp(finishedAt) }),
    };
    const reason = exit.exitCode === 0 ? 'Completed' : 'Error';
    const message = exit.message === undefined ? {} : { message: exit.message };
    return {
      ...shared,
      started: false,
      state: { terminated: { exitCode: exit.exitCode, reason, ...message, ...times } },
    };
  }
  if (startedAt !== undefined)
    return { ...shared, started: true, state: { running: { startedAt: timestamp(startedAt) } } };
  return { ...shared, started: false, state: { waiting: { reason: state.waiting } } };
}

/** Pending, Running, Succeeded or Failed; `final` when nothing of the pod will start again. */
export function phaseOf(states: readonly ContainerState[], final: boolean): string {
  if (final && states.every(({ exit }) => exit?.exitCode === 0)) return 'Succeeded';
  if (final) return 'Failed';
  return states.some(({ startedAt }) => startedAt !== undefined) ? 'Running' : 'Pending';
}

export interface StatusInput {
  readonly states: readonly ContainerState[];
  readonly final: boolean;
  readonly node: Node | undefined;
  readonly podIp: string;
  readonly now: Date;
}

export function podStatus(pod: Pod, { states, final, node, podIp, now }: StatusInput): PodStatus {
  const phase = phaseOf(states, final);
  const isReady = !final && states.every(isRunning);
  const notReady = final
    ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
    : { reason: 'ContainersNotReady' };
  const ready = isReady ? { status: 'True' } : { status: 'False', ...notReady };
  const wanted: NextCondition[] = [
    { type: 'PodReadyToStartContainers', status: final || phase === 'Pending' ? 'False' : 'True' },
    { type: 'Initialized', status: 'True' },
    { type: 'ContainersReady', ...ready },
    { type: 'Ready', ...ready },
    { type: 'PodScheduled', status: 'True' },
  ];
  let conditions = pod.status.conditions;
  for (const condition of wanted) conditions = withCondition(conditions, condition, now);
  const hostIP = node?.status.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const started = states.some(({ startedAt }) => startedAt !== undefined);
  return {
    ...pod.status,
    phase,
    startTime: pod.status.startTime ?? timestamp(now),
    conditions: conditions ?? [],
    containerStatuses: states.map((state) => containerStatus(state, pod)),
    ...(hostIP === undefined ? {} : { hostIP }),
    ...(started ? { podIP: pod.spec.hostNetwork === true ? (hostIP ?? podIp) : podIp } : {}),
  };
}
