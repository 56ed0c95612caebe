import type { ActionStep } from '../../chain/phase.ts';
import { addressOf } from '../../node/node-address.ts';
import { scriptsOf, thisNode } from '../../node/node-scripts.ts';

const NAMESPACE = 'kube-system';
const CONFIG_MAP = 'apiserver-oidc-restore';
const KEY = 'restore.sh';

/** kubeadm writes the API server's manifest anew; who keeps `--authentication-config` outside kubeadm-config puts it back here (I18). */
export const oidcRestore: ActionStep = {
  name: 'oidc-restore',
  summary: `run ${KEY} of ConfigMap ${NAMESPACE}/${CONFIG_MAP}`,
  async skip({ deps, signal }) {
    const script = (await deps.cluster.configMap(NAMESPACE, CONFIG_MAP, signal))?.[KEY];
    return script === undefined ? `there is no key ${KEY} in ConfigMap ${NAMESPACE}/${CONFIG_MAP}` : undefined;
  },
  async run(context) {
    const { deps, signal } = context;
    const script = (await deps.cluster.configMap(NAMESPACE, CONFIG_MAP, signal))?.[KEY] ?? '';
    const node = await context.node();
    const result = await deps.shell.run(
      addressOf(node),
      scriptsOf(deps).runScript({ ...thisNode(node), text: script }),
      signal,
    );
    // Single sign-on is recoverable and the upgrade is done: a warning, as in the runbook.
    if (result.exitCode !== 0)
      deps.log.warn('the restore script failed: single sign-on may be broken', {
        node: node.name,
        exitCode: result.exitCode,
        output: result.stderr.slice(-500),
      });
  },
};
