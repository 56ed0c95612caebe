import { versionLabel } from '../version.ts';
import { nodeCheck } from './surveyed.ts';

/** kubeadm adds a copy of etcd with each upgrade, a few hundred megabytes as a rule, and removes none (I17: 28 GB). */
const MANY_BYTES = 5e9;

/** Of nothing that is over or stopped is anything left but its record. */
const AT_WORK = /^(active|activating|deactivating|reloading)$/;

/** `nightlift-WHAT-1-36-4-HASH active`: as run-on-node.ts names units. */
function isAtWorkElsewhere(unit: string, target: string): boolean {
  const [name = '', state = ''] = unit.split(' ');
  const label = /-(\d+-\d+-\d+)-[0-9a-f]+$/.exec(name)?.[1];
  return AT_WORK.test(state) && label !== undefined && label !== versionLabel(target);
}

/** Nothing of an earlier run is still at work, or fills the disk. */
export const leftovers = nodeCheck('leftovers', [
  {
    reason: 'OtherUpgradeAtWork',
    severity: 'block',
    said: ({ target }) => `commands of Nightlift are at work for another version than ${target}`,
    remedy: 'Let them end; systemctl status UNIT on the node says what they wait for.',
    problems: ({ survey }, { target }) => survey.leftovers.units.filter((unit) => isAtWorkElsewhere(unit, target)),
  },
  {
    reason: 'BackupsLarge',
    severity: 'warn',
    said: "kubeadm's own copies in /etc/kubernetes/tmp take much room",
    remedy:
      'Nothing: preflight deletes those that are older than kubeadm.backupDays. At once: rm -rf /etc/kubernetes/tmp/kubeadm-backup-*',
    problems: ({ survey: { backups } }) =>
      backups.bytes > MANY_BYTES ? [`${backups.count} with ${(backups.bytes / 1e9).toFixed(1)} GB`] : [],
  },
]);
