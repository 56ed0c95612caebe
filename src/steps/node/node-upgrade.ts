import type { ActionStep, Context } from '../../chain/phase.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { explainFailure } from '../../node/explain-failure.ts';
import { repositoryOf, roleOf, scriptsOf, thisNode } from '../../node/node-scripts.ts';
import type { DetachedResult } from '../../node/node-shell.ts';
import { etcdImageStays, type NodeState, parseNodeState } from '../../node/node-state.ts';
import { nodeFailure, runDetachedOnNode, runOnNode } from '../../node/run-on-node.ts';
import type { NodeScript } from '../../node/scripts.ts';
import { announce } from '../../notify/announce.ts';
import { slackMessage } from '../../notify/slack-message.ts';
import { whileLooking } from '../run/api-away.ts';

/**
 * The change itself, as a command that outlives this Job: the next Job follows it instead of starting it again. It runs
 * on a node that is finished too, because a Job may have been killed after the kubelet came back and before the
 * packages were held again; the script then finds everything done.
 */
export const nodeUpgrade: ActionStep = {
  name: 'node-upgrade',
  summary: 'packages, kubeadm, kubelet',
  critical: true,
  // Twice, where etcd is left out the second time.
  longest: ({ kubeadm }) => 2 * kubeadm.timeoutSeconds,
  async run(context) {
    const { deps } = context;
    const node = await context.node();
    const first = await upgrade(context, node, true);
    if (isFinished(first.result)) return;
    const { reason } = explainFailure(first.script.name, first.result.exitCode, first.result.tail);
    if (reason !== 'EtcdHashUnchanged' || !etcdImageStays(await readNodeState(context, node), context.target)) {
      throw nodeFailure(node, first.script, `upgrading to ${context.target}`, first.result.exitCode, first.result.tail);
    }
    // kubeadm waited for a restart that a manifest without a change never brings; kubeadm put the rest back (I06).
    deps.log.warn("etcd's image is the same before and after: going on without etcd", { node: node.name });
    const second = await upgrade(context, node, false);
    if (isFinished(second.result)) return;
    throw nodeFailure(
      node,
      second.script,
      `upgrading to ${context.target} without etcd`,
      second.result.exitCode,
      second.result.tail,
    );
  },
};

/** Of upgrade-node.sh: everything is done, and the packages could not be put on hold. What is said of that, `verify-node` says. */
const NOT_HELD = 13;

function isFinished({ exitCode }: DetachedResult): boolean {
  return exitCode === 0 || exitCode === NOT_HELD;
}

async function upgrade(
  context: Context,
  node: NodeFact,
  etcdUpgrade: boolean,
): Promise<{ script: NodeScript; result: DetachedResult }> {
  const { deps, step, target, signal } = context;
  const { kubeadm } = deps.settings;
  const script = scriptsOf(deps).upgradeNode({
    ...thisNode(node),
    ...repositoryOf(deps),
    target,
    role: roleOf(node, await deps.cluster.controlPlanes(signal)),
    ignorePreflightErrors: kubeadm.ignorePreflightErrors,
    skipPhases: kubeadm.skipPhases,
    patchesDirectory: kubeadm.patchesDirectory,
    etcdUpgrade,
  });
  const run = () => runDetachedOnNode(context, node, script, step.phase);
  // A worker takes no API server away.
  return { script, result: await (step.phase === 'master' ? whileLooking(context, run) : run()) };
}

async function readNodeState({ deps, signal }: Context, node: NodeFact): Promise<NodeState> {
  return parseNodeState(await runOnNode(deps, node, scriptsOf(deps).nodeState(), 'reading the state', signal));
}

const PACKAGES = ['kubeadm', 'kubelet', 'kubectl'] as const;

/** Packages that whatever upgrades the node next may move. The node itself is finished all the same. Pure. */
export function unheldPackages(state: NodeState): readonly string[] {
  return PACKAGES.filter((name) => state.packages.get(name)?.held === false);
}

/** What the node itself says after the change; every sentence names one thing that is not as it should be. Pure. */
export function nodeDefects(state: NodeState, target: string): readonly string[] {
  const defects: string[] = [];
  for (const name of PACKAGES) {
    const found = state.packages.get(name);
    if (found === undefined || !found.installed) defects.push(`package ${name} is not installed in full`);
    else if (found.version !== target) defects.push(`package ${name} is ${found.package}`);
  }
  for (const [component, image] of state.manifests) {
    if (component.startsWith('kube-') && COMPONENTS.includes(component) && !imageIs(image, target))
      defects.push(`the manifest of ${component} has ${image}`);
  }
  if (state.kubelet !== 'active') defects.push(`the kubelet is ${state.kubelet}`);
  return defects;
}

const COMPONENTS: readonly string[] = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

function imageIs(image: string, target: string): boolean {
  return image.split('@')[0]?.endsWith(`:v${target}`) === true;
}

/** Success is judged from state: packages, holds, manifests and kubeadm-config, never from a last line of output. */
export const verifyNode: ActionStep = {
  name: 'verify-node',
  summary: 'packages and manifests on the node are as they should be; packages that are not on hold are named',
  critical: true,
  async run(context) {
    const { deps, target } = context;
    const node = await context.node();
    const unheld = await context.waiter.until(
      `${node.name} to be as it should be`,
      async (_, signal) => {
        const state = await readNodeState({ ...context, signal }, node);
        const defects = [...nodeDefects(state, target)];
        if (node.role === 'control-plane') {
          const config = await deps.cluster.kubeadmConfigVersion(signal);
          if (config !== target) defects.push(`ConfigMap kube-system/kubeadm-config says ${config}`);
        }
        return defects.length === 0
          ? { done: true, value: unheldPackages(state) }
          : { done: false, missing: defects.join(', ') };
      },
      {
        seconds: 60,
        lookSeconds: deps.settings.waits.apiSeconds,
        remedy: `On ${node.name}: dpkg -l 'kube*', and the manifests in /etc/kubernetes/manifests.`,
      },
    );
    if (unheld.length === 0) return;
    const message = `${node.name} is on ${target}, but ${unheld.join(', ')} are not on hold: whatever upgrades the packages of the node next may move them`;
    const remedy = `On ${node.name}: sudo apt-mark hold ${unheld.join(' ')}`;
    deps.log.warn(message, { remedy });
    await announce(deps, slackMessage([[`⚠️ ${message}`, remedy]], "the Job's log has all of it"), context.signal);
  },
};
