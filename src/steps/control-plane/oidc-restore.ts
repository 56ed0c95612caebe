import { createHash } from 'node:crypto';
import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { FENCED } from '../../node/fence.ts';
import { addressOf } from '../../node/node-address.ts';
import { scriptsOf, thisNode } from '../../node/node-scripts.ts';
import { nodeFailure } from '../../node/run-on-node.ts';

const NAMESPACE = 'kube-system';
const CONFIG_MAP = 'apiserver-oidc-restore';
const KEY = 'restore.sh';
const SCRIPT = `${KEY} of ConfigMap ${NAMESPACE}/${CONFIG_MAP}`;
const SHOW_SUM = `kubectl -n ${NAMESPACE} get configmap ${CONFIG_MAP} -o jsonpath='{.data.restore\\.sh}' | sha256sum`;

/** Whoever may write a ConfigMap of kube-system writes it: the settings say, by its sum, which text may run as root. */
type RestoreScript =
  | { readonly kind: 'runs'; readonly text: string }
  /** `sum` of the script that is there, if one is: none is named in the settings. */
  | { readonly kind: 'off'; readonly sum: string | undefined }
  | { readonly kind: 'missing'; readonly wanted: string }
  | { readonly kind: 'changed'; readonly wanted: string; readonly sum: string };

function judgeScript(text: string | undefined, wanted: string): RestoreScript {
  const sum = text === undefined ? undefined : createHash('sha256').update(text).digest('hex');
  if (wanted === '') return { kind: 'off', sum };
  if (text === undefined || sum === undefined) return { kind: 'missing', wanted };
  return sum === wanted.toLowerCase() ? { kind: 'runs', text } : { kind: 'changed', wanted, sum };
}

async function readScript({ deps, signal }: Context): Promise<RestoreScript> {
  const data = await deps.cluster.configMap(NAMESPACE, CONFIG_MAP, signal);
  return judgeScript(data?.[KEY], deps.settings.oidcRestore.sha256);
}

function problemOf(found: RestoreScript): { message: string; remedy: string } | undefined {
  if (found.kind === 'changed')
    return {
      message: `${SCRIPT} has the SHA-256 ${found.sum}, and oidcRestore.sha256 names ${found.wanted}: it is not run`,
      remedy: `Find out who changed it. When it is right, put its sum into oidcRestore.sha256: ${SHOW_SUM}`,
    };
  if (found.kind === 'missing')
    return {
      message: `oidcRestore.sha256 names ${found.wanted}, and there is no ${SCRIPT}`,
      remedy: `Put the script back, or empty oidcRestore.sha256: single sign-on of the API server may end with the upgrade.`,
    };
  return undefined;
}

/** Before the first change: what could not run after the upgrade is said while nothing is lost. */
export const oidcRestoreKnown: ActionStep = {
  name: 'oidc-restore-known',
  summary: `see whether ${SCRIPT} is the one that the settings name`,
  async run(context) {
    const found = await readScript(context);
    if (found.kind === 'off' && found.sum !== undefined)
      context.deps.log.warn(`there is a ${SCRIPT}, and it will not be run: no setting names it`, {
        remedy: `Read it, and to have it run set oidcRestore.sha256 to ${found.sum}, its SHA-256: ${SHOW_SUM}`,
      });
    const problem = problemOf(found);
    if (problem === undefined) return;
    throw new Refused([
      {
        check: 'oidc-restore',
        reason: found.kind === 'changed' ? 'RestoreScriptChanged' : 'RestoreScriptMissing',
        class: 'actionable',
        severity: 'block',
        ...problem,
      },
    ]);
  },
};

/** kubeadm writes the API server's manifest anew; who keeps `--authentication-config` outside kubeadm-config puts it back here (I18). */
export const oidcRestore: ActionStep = {
  name: 'oidc-restore',
  summary: `run ${SCRIPT} when the settings name it`,
  async skip({ deps }) {
    return deps.settings.oidcRestore.sha256 === '' ? 'oidcRestore.sha256 names no script' : undefined;
  },
  async run(context) {
    const { deps, signal, fence } = context;
    const found = await readScript(context);
    const problem = problemOf(found);
    // Single sign-on is recoverable and the upgrade is done: a warning, as in the runbook.
    if (problem !== undefined)
      deps.log.warn(`${problem.message}: single sign-on may be broken`, { remedy: problem.remedy });
    if (found.kind !== 'runs') return;
    const node = await context.node();
    const script = scriptsOf(deps).runScript({ ...thisNode(node), ...fence, text: found.text });
    const result = await deps.shell.run(addressOf(node), script, signal);
    // A script of an operator may have any exit code of its own.
    if (result.exitCode === FENCED && /^nightlift: failed: /m.test(result.stderr))
      throw nodeFailure(node, script, `running ${SCRIPT}`, result.exitCode, result.stderr);
    if (result.exitCode !== 0)
      deps.log.warn('the restore script failed: single sign-on may be broken', {
        node: node.name,
        exitCode: result.exitCode,
        output: result.stderr.slice(-500),
      });
  },
};
