import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Container, Pod } from '../api/kinds.ts';
import { podEnvironment } from './pod-environment.ts';
import type { PodRunner } from './pod-runner.ts';
import { layOutVolumes, type PodVolumeOptions, removeVolumes } from './pod-volumes.ts';

export interface ProcessRunnerOptions extends PodVolumeOptions {
  /** Which containers are processes of this program; all others are left to the next runner. */
  readonly accepts: (container: Container, pod: Pod) => boolean;
  /** The program and what stands before the container's arguments: `['/path/nightlift.cjs']`. */
  readonly program: readonly string[];
  /** Defaults to the Node that runs this. */
  readonly execPath?: string;
  /** What is handed to the program after its path; the container's `args` unless told otherwise. */
  readonly argumentsOf?: (container: Container, pod: Pod) => readonly string[];
  /** Directory in which each pod gets its root. */
  readonly podsDirectory: string;
  /** Where pods reach the API. */
  readonly apiHost: string;
  readonly apiPort: number;
  /** Added to every container, over its own: for what a network would provide. */
  readonly extraEnv?: Readonly<Record<string, string>>;
  readonly onProcess?: (pod: Pod, child: ChildProcess) => void;
  /** A process has at least this long to end after SIGTERM, however fast the rehearsal's clock; default 2000. */
  readonly minimumGraceMs?: number;
  /** Keep the roots of deleted pods, to look at. */
  readonly keepRoots?: boolean;
}

const MINIMUM_GRACE_MS = 2_000;

/** Containers as real processes, with the environment and the files of their manifest. */
export function processRunner(options: ProcessRunnerOptions): PodRunner {
  const children = new Set<ChildProcess>();
  // A rehearsal that ends without closing its cluster must not leave pods behind.
  const killAll = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  const track = (child: ChildProcess): void => {
    if (children.size === 0) process.on('exit', killAll);
    children.add(child);
    child.once('close', () => {
      children.delete(child);
      if (children.size === 0) process.off('exit', killAll);
    });
  };
  return {
    accepts: options.accepts,
    start: (container, pod, context) => {
      const root = podRoot(options.podsDirectory, pod);
      mkdirSync(root, { recursive: true });
      layOutVolumes(root, container, pod, options);
      const { execPath = process.execPath, program, argumentsOf } = options;
      const child = spawn(execPath, [...program, ...(argumentsOf?.(container, pod) ?? container.args ?? [])], {
        cwd: root,
        env: environment(options, container, pod, root),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      track(child);
      child.stdout.setEncoding('utf8').on('data', context.onOutput);
      child.stderr.setEncoding('utf8').on('data', context.onOutput);
      child.once('spawn', () => context.onRunning());
      child.once('error', (error) => context.onExit({ exitCode: 128, message: error.message }));
      // 'close' comes after the last output, 'exit' may come before it.
      child.once('close', (code, signal) => context.onExit({ exitCode: exitCode(code, signal) }));
      options.onProcess?.(pod, child);
      return {
        stop: (graceMs) =>
          stop(child, graceMs === 0 ? 0 : Math.max(graceMs, options.minimumGraceMs ?? MINIMUM_GRACE_MS)),
      };
    },
    dispose: (pod) => {
      if (options.keepRoots !== true) removeVolumes(podRoot(options.podsDirectory, pod));
    },
  };
}

/** The directory that a pod sees as its root; uid in the name, so that a pod of the same name gets another. */
export function podRoot(podsDirectory: string, { metadata }: Pod): string {
  return join(podsDirectory, `${metadata.namespace}_${metadata.name}_${metadata.uid.slice(0, 8)}`);
}

function environment(
  options: ProcessRunnerOptions,
  container: Container,
  pod: Pod,
  root: string,
): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: join(root, 'tmp'),
    TMPDIR: join(root, 'tmp'),
    HOSTNAME: pod.metadata.name,
    KUBERNETES_SERVICE_HOST: options.apiHost,
    KUBERNETES_SERVICE_PORT: String(options.apiPort),
    ...podEnvironment(options.store, container, pod),
    ...options.extraEnv,
    NIGHTLIFT_ROOT: root,
  };
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return 128 + (signal === null ? 0 : constants.signals[signal]);
}

function stop(child: ChildProcess, graceMs: number): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  if (graceMs <= 0) {
    child.kill('SIGKILL');
    return;
  }
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  child.once('close', () => clearTimeout(timer));
}
