import { atOnce } from '../../at-once.ts';
import type { ActionStep } from '../../chain/phase.ts';
import type { NodeOutline } from '../../facts/node-fact.ts';
import { isOnTarget } from '../../facts/nodes.ts';
import { AT_ONCE } from './pending-marks.ts';

/** A run that was killed may have left a node cordoned or marked, and the clocks of its drain. A person's cordon is not lifted (D08, I17). */
export const liftLeftCordons: ActionStep = {
  name: 'left-cordons',
  summary: 'lift cordons and marks that an earlier run left',
  async run({ deps: { cluster, log, settings }, signal, target }) {
    // A worker that still has to go would only be tainted anew.
    const isTaintLeft = (node: NodeOutline): boolean =>
      node.pendingSince !== null && !(settings.drain.markPending.preferNoSchedule && !isOnTarget(node, target));
    const left = (await cluster.outlines(signal)).filter(
      (node) =>
        node.cordonedBy !== null || node.unfinished !== null || node.excludedSince !== null || isTaintLeft(node),
    );
    await atOnce(left, AT_ONCE, async ({ name, cordonedBy }) => {
      await cluster.uncordon(name, signal);
      if (cordonedBy !== null) log.info('uncordoned: an earlier run had left it', { node: name, cordonedBy });
    });
  },
};
