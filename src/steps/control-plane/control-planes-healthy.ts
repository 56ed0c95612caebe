import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { nodeOf } from '../../chain/step.ts';
import type { Look } from '../../chain/wait.ts';
import type { PodFact } from '../../cluster/cluster.ts';
import { NightliftError, reasonOf } from '../../errors.ts';
import type { NodeFact } from '../../facts/node-fact.ts';
import { controlPlanes } from '../../facts/nodes.ts';
import { hostPort } from '../../host-port.ts';
import { explainFailure } from '../../node/explain-failure.ts';
import { addressOf } from '../../node/node-address.ts';
import { scriptsOf } from '../../node/node-scripts.ts';
import { nodeFailure } from '../../node/run-on-node.ts';
import { minorNumber } from '../../version.ts';
import {
  apiServerProblems,
  etcdProblems,
  type HealthProblem,
  parseControlPlaneHealth,
} from './control-plane-health.ts';

/**
 * Before a control plane is taken away, all the others carry the cluster: nodes Ready, their static pods ready, API
 * servers within one minor and ready by their own word, every member of etcd voting and well by etcd's own word. kubeadm
 * waits for the pods of all control planes and fails after five minutes otherwise.
 */
export const controlPlanesHealthy: ActionStep = {
  name: 'control-planes-healthy',
  summary: 'the control planes are Ready, their API servers and every member of etcd say that they are well',
  async run(context) {
    let problems: readonly HealthProblem[] = [];
    let away: NightliftError | undefined;
    const look: Look<undefined> = async (_, signal) => {
      away = undefined;
      problems = [];
      try {
        problems = await problemsOf({ ...context, signal });
      } catch (error) {
        if (!(error instanceof NightliftError) || error.kind !== 'network') throw error;
        away = error;
        return { done: false, missing: error.message };
      }
      if (problems.length === 0) return { done: true, value: undefined };
      return { done: false, missing: problems.map(({ message }) => message).join('; ') };
    };
    const seconds = context.deps.settings.waits.readySeconds;
    try {
      await context.waiter.until('the control planes to be healthy', look, {
        seconds,
        lookSeconds: ANSWER_SECONDS,
        remedy: '',
      });
    } catch (error) {
      if (!(error instanceof NightliftError) || error.kind !== 'timeout') throw error;
      // A node that is away may be back for the next try.
      if (away !== undefined) throw away;
      // Nothing of this node has been changed yet: to stop here is a decision.
      throw new Refused(
        problems.map((one) => ({ check: 'control-planes-healthy', class: 'actionable', severity: 'block', ...one })),
      );
    }
  },
};

async function problemsOf(context: Context): Promise<readonly HealthProblem[]> {
  const view = await lookAt(context);
  const problems = problemsInApi(view);
  return problems.length > 0 ? problems : await problemsByOwnWord(context, view);
}

interface View {
  readonly all: readonly NodeFact[];
  /** Those that have to be well. */
  readonly others: readonly NodeFact[];
  /** Half-way from a run that was killed: this run mends them. */
  readonly mended: readonly NodeFact[];
  /** Static pods of all control planes. */
  readonly pods: readonly PodFact[];
}

async function lookAt({ deps, signal, step }: Context): Promise<View> {
  const all = controlPlanes(await deps.cluster.controlPlanes(signal));
  const own = nodeOf(step);
  const mended = all.filter(({ name, unfinished }) => unfinished !== null && (own === undefined || name === own));
  const others = all.filter((node) => node.name !== own && !mended.includes(node));
  const pods = await deps.cluster.pods({ namespace: 'kube-system', labels: 'tier=control-plane' }, signal);
  return { all, others, mended, pods };
}

function problemsInApi({ all, others, pods }: View): readonly HealthProblem[] {
  const minors = all.flatMap(({ apiServer }) => (apiServer === null ? [] : [minorNumber(apiServer)]));
  const messages = [
    ...others.filter(({ ready }) => ready !== 'yes').map(({ name }) => `${name} is not Ready`),
    ...pods
      .filter((pod) => !pod.ready && others.some(({ name }) => name === pod.node))
      .map(({ name }) => `${name} is not ready`),
    ...(minors.length > 0 && Math.max(...minors) - Math.min(...minors) > 1
      ? ['API servers are more than one minor apart']
      : []),
  ];
  return messages.map((message) => ({
    reason: 'ControlPlaneUnhealthy',
    message,
    remedy: 'kubectl -n kube-system get pods -l tier=control-plane -o wide',
  }));
}

/** In five etcdctl and curl that wait for members and servers that do not answer. */
const ANSWER_SECONDS = 60;

/** One script on one control plane asks all of etcd and all of the API servers. */
async function problemsByOwnWord(context: Context, view: View): Promise<readonly HealthProblem[]> {
  const { deps, signal } = context;
  const hasEtcd = (node: NodeFact): boolean =>
    view.pods.some(({ node: on, labels }) => on === node.name && labels['component'] === 'etcd');
  const candidates = [...view.others, ...view.all];
  const asker = candidates.find(hasEtcd) ?? candidates[0];
  if (asker === undefined) return [];
  const apiServers = view.others.map((node) => ({ node: node.name, address: apiServerAddress(node, view.pods) }));
  const script = scriptsOf(deps).controlPlaneHealth({ apiServers, timeLimitSeconds: ANSWER_SECONDS });
  const { exitCode, stdout, stderr } = await deps.shell.run(addressOf(asker), script, signal);
  const doing = `asking etcd and the API servers on ${asker.name}`;
  if (exitCode === null) throw nodeFailure(asker, script, 'asking etcd and the API servers', exitCode, stderr);
  if (exitCode !== 0) {
    const { message, remedy } = explainFailure(script.name, exitCode, `${stdout}\n${stderr}`);
    return [{ reason: 'EtcdUnhealthy', message: `${doing}: ${message}`, remedy }];
  }
  try {
    const { etcd, apiServers: answers } = parseControlPlaneHealth(stdout, stderr);
    if (etcd !== null) return [...etcdProblems(etcd, view.mended), ...apiServerProblems(apiServers, answers)];
    if (view.all.some(hasEtcd))
      return [
        {
          reason: 'EtcdUnhealthy',
          message: `${doing}: it has no manifest of etcd, and etcd has a pod`,
          remedy: 'kubectl -n kube-system get pods -l component=etcd -o wide',
        },
      ];
    deps.log.info('etcd is not asked: the control planes have none of their own', { node: asker.name });
    return apiServerProblems(apiServers, answers);
  } catch (error) {
    if (!(error instanceof NightliftError)) throw error;
    return [{ reason: 'EtcdUnhealthy', message: `${doing}: ${reasonOf(error)}`, remedy: error.remedy ?? '' }];
  }
}

/** What kubeadm has written on the pod, when it can be an address, else the port that it takes by itself. */
function apiServerAddress(node: NodeFact, pods: readonly PodFact[]): string {
  const written = pods.find((pod) => pod.node === node.name && pod.apiServerAddress !== null)?.apiServerAddress;
  if (written !== undefined && written !== null && /^(\[[\da-f:]+\]|[\w.-]+):\d+$/i.test(written)) return written;
  return hostPort(addressOf(node).internalIp, 6443);
}
