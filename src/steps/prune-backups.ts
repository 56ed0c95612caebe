import { scriptsOf } from '../node/node-scripts.ts';
import { controlPlanes } from '../phases/chain.ts';
import type { ActionStep } from '../phases/phase.ts';
import { runOnNode } from './run-on-node.ts';

/** kubeadm copies etcd's data at every upgrade and never cleans up; the disk it fills is etcd's own (I17). */
export const pruneBackups: ActionStep = {
  name: 'prune-backups',
  summary: 'remove old kubeadm backups on the control planes',
  async run({ deps, signal }) {
    const script = scriptsOf(deps).pruneBackups({ days: deps.settings.kubeadm.backupDays });
    for (const node of controlPlanes(await deps.cluster.nodes(signal))) {
      const output = await runOnNode(deps, node, script, 'removing old kubeadm backups', signal);
      for (const line of output.split('\n')) if (line.trim() !== '') deps.log.info(line.trim(), { from: node.name });
    }
  },
};
