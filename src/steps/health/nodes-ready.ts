import { othersAtWork } from '../../chain/at-work.ts';
import { Refused } from '../../chain/outcome.ts';
import type { ActionStep } from '../../chain/phase.ts';
import { nodeOf } from '../../chain/step.ts';
import { NightliftError } from '../../errors.ts';
import type { NodeOutline } from '../../facts/node-fact.ts';
import { isHalfWay } from '../../facts/nodes.ts';
import { suchNodes } from '../../observe/such-nodes.ts';
import { someOf } from '../../some-of.ts';

/**
 * No node is taken away while another one is down. The step's own node may be down when an earlier Job had begun with
 * it: bringing it back is what this Job is for.
 */
export const nodesReady: ActionStep = {
  name: 'nodes-ready',
  summary: 'all nodes are Ready',
  async run(context) {
    const { deps, signal, step } = context;
    try {
      await context.waiter.until(
        'all nodes to be Ready',
        async () => {
          // What goes beside this one is away by leave of the rollout.
          const working = await othersAtWork(context);
          const isExpected = ({ name }: NodeOutline): boolean => name === nodeOf(step) || working.has(name);
          const down = await suchNodes(
            deps.cluster,
            (node) => node.ready !== 'yes' && !(isExpected(node) && isHalfWay(node)),
            signal,
          );
          if (down.length === 0) return { done: true, value: undefined };
          return { done: false, missing: `not Ready: ${someOf(down.map(({ name }) => name))}` };
        },
        { seconds: deps.settings.waits.alertSeconds, remedy: '' },
      );
    } catch (error) {
      if (!(error instanceof NightliftError) || error.kind !== 'timeout') throw error;
      throw new Refused([
        {
          check: 'nodes-ready',
          reason: 'NodeNotReady',
          class: 'actionable',
          severity: 'block',
          message: error.message,
          remedy: 'Bring the node back, or delete its Node object when it is gone for good; the next night goes on.',
        },
      ]);
    }
  },
};
