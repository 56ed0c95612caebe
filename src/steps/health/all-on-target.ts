import type { ActionStep } from '../../chain/phase.ts';
import { NightliftError } from '../../errors.ts';
import { isOnTarget } from '../../facts/nodes.ts';

/** A run is complete when the cluster shows it, node by node. */
export const allOnTarget: ActionStep = {
  name: 'all-on-target',
  summary: 'every node is on the target',
  async run({ deps, target, signal }) {
    const behind = (await deps.cluster.nodes(signal)).filter((node) => !isOnTarget(node, target));
    if (behind.length === 0) return;
    throw new NightliftError(
      'phase',
      `checking that every node is on ${target}: ${behind.map((node) => `${node.name} has ${node.kubelet}`).join(', ')}`,
      {
        remedy: 'The next night goes on with these nodes.',
      },
    );
  },
};
