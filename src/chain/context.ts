import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import { mayGoOn } from './may-go-on.ts';
import type { Context } from './phase.ts';
import { nodeOf, type Step } from './step.ts';
import { createWaiter } from './wait.ts';

export function createContext(
  step: Step,
  target: string,
  deps: Deps,
  signal: AbortSignal,
  options: { readonly heedPause: boolean } = { heedPause: true },
): Context {
  const name = nodeOf(step);
  return {
    step,
    target,
    deps,
    signal,
    waiter: createWaiter({
      clock: deps.clock,
      log: deps.log,
      pollSeconds: deps.settings.waits.pollSeconds,
      signal,
      mayGoOn: () => (options.heedPause ? mayGoOn(deps, signal) : Promise.resolve()),
    }),
    async node() {
      const node = (await deps.cluster.nodes(signal)).find((item) => item.name === name);
      if (node !== undefined) return node;
      throw new NightliftError('cluster', `looking for node ${name ?? '(none)'}: it is not in the cluster any more`, {
        remedy: 'The next night enumerates the nodes anew.',
      });
    },
  };
}
