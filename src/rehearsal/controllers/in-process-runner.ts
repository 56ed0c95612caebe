import { readFileSync } from 'node:fs';
import type { Container, Pod } from '../api/kinds.ts';
import type { PodRunner } from './pod-runner.ts';

export interface InProcessContainer {
  readonly container: Container;
  readonly pod: Pod;
  /** The environment of the manifest, with references resolved. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborted when the pod is stopped. */
  readonly signal: AbortSignal;
  readonly log: (text: string) => void;
  /** A file of the pod's volumes by its path in the container. */
  readonly readFile: (path: string) => string;
}

/** Gives the exit code; a rejection is exit code 1 with the error in the log. */
export type InProcessProgram = (container: InProcessContainer) => Promise<number>;

export interface InProcessOptions {
  readonly accepts: (container: Container, pod: Pod) => boolean;
  readonly program: InProcessProgram;
  readonly environmentOf: (container: Container, pod: Pod) => Record<string, string>;
  /** Where the pod's volumes are laid out; absent when the program reads no files. */
  readonly rootOf?: (container: Container, pod: Pod) => string;
}

/** Containers as functions of this process, for tests that need no real processes. */
export function inProcessRunner({ accepts, program, environmentOf, rootOf }: InProcessOptions): PodRunner {
  return {
    accepts,
    start: (container, pod, context) => {
      const controller = new AbortController();
      const root = rootOf?.(container, pod) ?? '';
      let ended = false;
      const end = (exitCode: number): void => {
        if (ended) return;
        ended = true;
        context.onExit({ exitCode });
      };
      const env = environmentOf(container, pod);
      setImmediate(() => {
        context.onRunning();
        program({
          container,
          pod,
          env,
          signal: controller.signal,
          log: (text) => context.onOutput(`${text}\n`),
          readFile: (path) => readFileSync(`${root}${path}`, 'utf8'),
        }).then(end, (error: unknown) => {
          context.onOutput(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
          end(1);
        });
      });
      return {
        stop: (graceMs) => {
          controller.abort();
          setTimeout(end, graceMs, 137).unref();
        },
      };
    },
  };
}
