import type { Container, Pod } from '../api/kinds.ts';

/** How a container ended: the exit code as a shell would give it, 128 + the signal's number for a killed one. */
export interface ContainerExit {
  readonly exitCode: number;
  readonly message?: string;
}

export interface RunContext {
  /** Everything the container has to do before it counts as running is done. */
  onRunning(): void;
  /** What the container writes on stdout and stderr, as it comes. */
  onOutput(chunk: string): void;
  onExit(exit: ContainerExit): void;
}

export interface RunningContainer {
  /** Asks it to end, and ends it when it has not after the grace period. 0 kills at once. */
  stop(graceMs: number): void;
}

/** What a node does with a container. The first runner of the list that accepts a container runs it. */
export interface PodRunner {
  accepts(container: Container, pod: Pod): boolean;
  /** Throws `NotStartable` when something that it needs is not there yet: the kubelet tries again. */
  start(container: Container, pod: Pod, context: RunContext): RunningContainer;
  /** The pod is gone: what was made for it can go as well. */
  dispose?(pod: Pod): void;
}

export class NotStartable extends Error {
  override readonly name = 'NotStartable' as const;
}
