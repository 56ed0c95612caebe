import type { NodeFact } from '../facts/node-fact.ts';
import { compareVersions, minorNumber } from '../version.ts';
import type { Step } from './step.ts';

/** The part of the cluster that decides what comes next. */
export type Nodes = readonly NodeFact[];

/** Set and taken away by the node controller a moment after what they follow: the cordon and the condition Ready, which are looked at themselves. */
const FOLLOWING_TAINTS = ['unschedulable', 'not-ready', 'unreachable'].map((name) => `node.kubernetes.io/${name}`);
const CONTROL_PLANE_TAINTS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

export function controlPlanes(nodes: Nodes): Nodes {
  return nodes.filter((node) => node.role === 'control-plane').toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

export function workers(nodes: Nodes): Nodes {
  return nodes.filter((node) => node.role === 'worker').toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** `kubeadm upgrade apply` runs on this one, `kubeadm upgrade node` on all the others. */
export function firstControlPlane(nodes: Nodes): string | undefined {
  return controlPlanes(nodes)[0]?.name;
}

/** True when the node shows the target everywhere that the API shows it, and neither a cordon of ours nor a step that has not ended is left on it. */
export function isOnTarget(node: NodeFact, target: string): boolean {
  if (compareVersions(node.kubelet, target) < 0 || node.cordonedBy !== null || node.unfinished !== null) return false;
  return node.role === 'worker' || (node.apiServer !== null && compareVersions(node.apiServer, target) >= 0);
}

/**
 * What comes next, from the live nodes alone (I05, I07): control planes by name, then workers by name, then postflight.
 * A worker is never upgraded while a control plane is behind: a kubelet must not be newer than an API server.
 */
export function nextStep(nodes: Nodes, target: string): Step {
  const master = controlPlanes(nodes).find((node) => !isOnTarget(node, target));
  if (master !== undefined) return { phase: 'master', node: master.name };
  const worker = workers(nodes).find((node) => !isOnTarget(node, target));
  if (worker !== undefined) return { phase: 'worker', node: worker.name };
  return { phase: 'postflight' };
}

/**
 * Why a step must not be done yet, whoever made its Job; undefined when it may: a worker's kubelet would be newer than an
 * API server, or a control plane would be upgraded before the first one, whose `kubeadm upgrade apply` sets the version.
 */
export function tooEarly(step: Step, nodes: Nodes, target: string): string | undefined {
  const node = 'node' in step ? nodes.find(({ name }) => name === step.node) : undefined;
  if (node === undefined) return undefined;
  // A kubelet is never newer than its own API server: that much is known of one that cannot be seen.
  const serverOf = ({ apiServer, kubelet }: NodeFact): string => apiServer ?? kubelet;
  const [first] = controlPlanes(nodes);
  if (node.role === 'control-plane') {
    if (first === undefined || first.name === node.name || compareVersions(serverOf(first), target) >= 0)
      return undefined;
    return `the first control plane, ${first.name}, is on ${serverOf(first)}, and kubeadm upgrades it before ${node.name}`;
  }
  if (minorNumber(node.kubelet) >= minorNumber(target)) return undefined;
  const behind = controlPlanes(nodes).find((one) => minorNumber(serverOf(one)) < minorNumber(target));
  if (behind === undefined) return undefined;
  return `the kubelet of ${node.name} would be newer than the API server of ${behind.name}, which is on ${serverOf(behind)}`;
}

/** All steps from here to the end, in order. */
export function remainingSteps(nodes: Nodes, target: string): readonly Step[] {
  const pending = (list: Nodes) => list.filter((node) => !isOnTarget(node, target));
  return [
    { phase: 'preflight' },
    ...pending(controlPlanes(nodes)).map((node): Step => ({ phase: 'master', node: node.name })),
    ...pending(workers(nodes)).map((node): Step => ({ phase: 'worker', node: node.name })),
    { phase: 'postflight' },
  ];
}

export type Placement =
  | { readonly kind: 'node'; readonly node: string; readonly why: string }
  | { readonly kind: 'anywhere'; readonly why: string }
  | { readonly kind: 'none'; readonly rejected: readonly { readonly node: string; readonly why: string }[] };

/**
 * Where the Job of a step runs: never on the node that it drains (I01), and only where it can really be scheduled
 * (I20). Preflight and the control planes' Jobs prefer a worker, the workers' Jobs prefer an upgraded control plane.
 */
export function placement(step: Step, nodes: Nodes, target: string): Placement {
  const rejected: { node: string; why: string }[] = [];
  const fit = nodes.filter((node) => {
    const why = unfit(node, step);
    if (why !== undefined) rejected.push({ node: node.name, why });
    return why === undefined;
  });
  const candidates =
    step.phase === 'worker'
      ? [...controlPlanes(fit).filter((node) => isOnTarget(node, target)), ...controlPlanes(fit), ...workers(fit)]
      : [...workers(fit), ...controlPlanes(fit)];
  const chosen = candidates[0];
  if (chosen === undefined) return { kind: 'none', rejected };
  if (step.phase === 'postflight') return { kind: 'anywhere', why: 'it changes no node' };
  return { kind: 'node', node: chosen.name, why: whyChosen(step, chosen, target) };
}

function whyChosen(step: Step, node: NodeFact, target: string): string {
  if (step.phase === 'preflight') return `it is the first ${node.role} that can run it`;
  if (node.role === 'worker') return 'it is the first worker that can run it and is not drained by it';
  return isOnTarget(node, target)
    ? 'it is a control plane that is upgraded already'
    : 'it is a control plane that is not drained by it';
}

/** Why a node cannot run the Job of a step; undefined when it can. The Jobs tolerate the control plane's taint and no other. */
function unfit(node: NodeFact, step: Step): string | undefined {
  if ('node' in step && step.node === node.name) return 'it is the node that is drained';
  if (node.ready !== 'yes') return node.ready === 'no' ? 'it is not Ready' : 'its kubelet does not report';
  if (!node.schedulable) return 'it is cordoned';
  const taint = node.taints.find(
    (item) => item.effect !== 'PreferNoSchedule' && ![...CONTROL_PLANE_TAINTS, ...FOLLOWING_TAINTS].includes(item.key),
  );
  return taint === undefined ? undefined : `it has the taint ${taint.key}:${taint.effect}`;
}
