import type { ActionStep } from '../../chain/phase.ts';
import { NightliftError } from '../../errors.ts';
import { isOnTarget } from '../../facts/nodes.ts';
import { suchNodes } from '../../observe/such-nodes.ts';
import { someOf } from '../../some-of.ts';

/** A run is complete when the cluster shows it, node by node. */
export const allOnTarget: ActionStep = {
  name: 'all-on-target',
  summary: 'every node is on the target',
  async run({ deps, target, signal }) {
    const behind = await suchNodes(deps.cluster, (node) => !isOnTarget(node, target), signal);
    if (behind.length === 0) return;
    throw new NightliftError(
      'phase',
      `checking that every node is on ${target}: ${someOf(behind.map((node) => `${node.name} has ${node.kubelet}`))}`,
      {
        remedy: 'The next night goes on with these nodes.',
      },
    );
  },
};
