import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import { type Fence, WITHOUT_LOCK } from '../node/fence.ts';
import { mayGoOn } from './may-go-on.ts';
import type { Context } from './phase.ts';
import { nodeOf, type Step } from './step.ts';
import { createWaiter } from './wait.ts';

export interface ContextOptions {
  /** Default true. */
  readonly heedPause?: boolean;
  readonly fence?: Fence;
}

export function createContext(
  step: Step,
  target: string,
  deps: Deps,
  signal: AbortSignal,
  { heedPause = true, fence = WITHOUT_LOCK }: ContextOptions = {},
): Context {
  const name = nodeOf(step);
  return {
    step,
    target,
    deps,
    signal,
    fence,
    waiter: createWaiter({
      clock: deps.clock,
      log: deps.log,
      pollSeconds: deps.settings.waits.pollSeconds,
      signal,
      mayGoOn: () => (heedPause ? mayGoOn(deps, signal) : Promise.resolve()),
    }),
    async node() {
      const node = name === undefined ? undefined : await deps.cluster.node(name, signal);
      if (node !== undefined) return node;
      throw new NightliftError('cluster', `looking for node ${name ?? '(none)'}: it is not in the cluster any more`, {
        remedy: 'The next night enumerates the nodes anew.',
      });
    },
  };
}
