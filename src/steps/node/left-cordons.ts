import type { ActionStep } from '../../chain/phase.ts';

/** A run that was killed may have left a node cordoned, and the clocks of its drain. A person's cordon is not lifted (D08, I17). */
export const liftLeftCordons: ActionStep = {
  name: 'left-cordons',
  summary: 'lift cordons that an earlier run left',
  async run({ deps, signal }) {
    for (const node of await deps.cluster.outlines(signal)) {
      if (node.cordonedBy === null && node.unfinished === null) continue;
      await deps.cluster.uncordon(node.name, signal);
      if (node.cordonedBy === null) continue;
      deps.log.info('uncordoned: an earlier run had left it', { node: node.name, cordonedBy: node.cordonedBy });
    }
  },
};
