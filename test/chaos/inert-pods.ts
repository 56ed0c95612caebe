import type { PodRunner } from '../../src/rehearsal/controllers/pod-runner.ts';
import { OWN_IMAGE } from '../../src/rehearsal/deployment-objects.ts';

/** Our pods do nothing and succeed: for tests that run a phase themselves and only look whether the next Job was made. */
export function inertPods(): PodRunner {
  return {
    accepts: ({ image }) => image === OWN_IMAGE,
    start: (_container, _pod, { onRunning, onExit }) => {
      setImmediate(() => {
        onRunning();
        onExit({ exitCode: 0 });
      });
      return { stop: () => undefined };
    },
  };
}
