import type { Pod } from '../api/kinds.ts';
import type { PodRunner } from './pod-runner.ts';

export interface OrdinaryBehaviour {
  /** From binding to running; absent for ever Pending. */
  readonly startMs?: number;
  /** From the request to stop until it has. */
  readonly stopMs?: number;
  /** Ends by itself with this code, so long after its start. */
  readonly exit?: { readonly afterMs: number; readonly code: number };
  /** Written when it runs. */
  readonly log?: string;
}

/** Pods that only have to be there: they run after a while and go when they are told to. */
export function ordinaryRunner(behaviour: (pod: Pod) => OrdinaryBehaviour): PodRunner {
  return {
    accepts: () => true,
    start: (_container, pod, context) => {
      const { startMs, stopMs = 0, exit, log } = behaviour(pod);
      const timers: NodeJS.Timeout[] = [];
      let ended = false;
      const end = (exitCode: number): void => {
        if (ended) return;
        ended = true;
        for (const timer of timers) clearTimeout(timer);
        context.onExit({ exitCode });
      };
      if (startMs !== undefined) {
        const run = (): void => {
          context.onRunning();
          if (log !== undefined) context.onOutput(log.endsWith('\n') ? log : `${log}\n`);
          if (exit !== undefined) timers.push(setTimeout(end, exit.afterMs, exit.code));
        };
        timers.push(setTimeout(run, startMs));
      }
      return {
        stop: (graceMs) => {
          timers.push(setTimeout(end, Math.min(stopMs, graceMs), graceMs < stopMs ? 137 : 0));
        },
      };
    },
  };
}
