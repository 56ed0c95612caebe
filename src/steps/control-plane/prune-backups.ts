import type { ActionStep } from '../../chain/phase.ts';
import { controlPlanes } from '../../facts/nodes.ts';
import { scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { runOnNode } from '../../node/run-on-node.ts';

/** kubeadm copies etcd's data at every upgrade and never cleans up; the disk it fills is etcd's own (I17). */
export const pruneBackups: ActionStep = {
  name: 'prune-backups',
  summary: 'remove old kubeadm backups on the control planes',
  async run({ deps, signal, fence }) {
    for (const node of controlPlanes(await deps.cluster.controlPlanes(signal))) {
      const script = scriptsOf(deps).pruneBackups({
        ...thisNode(node),
        ...fence,
        days: deps.settings.kubeadm.backupDays,
      });
      const output = await runOnNode(deps, node, script, 'removing old kubeadm backups', signal);
      for (const line of output.split('\n')) if (line.trim() !== '') deps.log.info(line.trim(), { from: node.name });
    }
  },
};
