import { createHash } from 'node:crypto';
import { stripVTControlCharacters } from 'node:util';
import { addressOf } from '../node/node-address.ts';
import { repositoryOf, roleOf, scriptsOf } from '../node/node-scripts.ts';
import type { ActionStep } from '../phases/phase.ts';
import { versionLabel } from '../version.ts';
import { nodeFailure } from './run-on-node.ts';

/**
 * The change itself, as a command that outlives this Job: the next Job follows it instead of starting it again. It runs
 * on a node that is finished too, because a Job may have been killed after the kubelet came back and before the
 * packages were held again; the script then finds everything done.
 */
export const nodeUpgrade: ActionStep = {
  name: 'node-upgrade',
  summary: 'packages, kubeadm, kubelet',
  critical: true,
  async run({ deps, step, target, signal, node: findNode }) {
    const node = await findNode();
    const { kubeadm } = deps.settings;
    const script = scriptsOf(deps).upgradeNode({
      ...repositoryOf(deps),
      target,
      role: roleOf(node, await deps.cluster.nodes(signal)),
      ignorePreflightErrors: kubeadm.ignorePreflightErrors,
      skipPhases: kubeadm.skipPhases,
      etcdUpgrade: true,
    });
    const unit = `nightlift-${step.phase}-${versionLabel(target)}-${createHash('sha256').update(node.name).digest('hex').slice(0, 8)}`;
    const result = await deps.shell.runDetached(
      addressOf(node),
      { unit, script, timeLimitSeconds: kubeadm.timeoutSeconds },
      { signal, onLine: (line) => deps.log.info(stripVTControlCharacters(line), { from: node.name }) },
    );
    if (result.attached) deps.log.info('followed a command that an earlier Job had started', { unit });
    if (result.exitCode !== 0) throw nodeFailure(node, script, `upgrading to ${target}`, result.exitCode, result.tail);
  },
};
