import type { NodeFact } from '../facts/node-fact.ts';
import { controlPlanes, isOnTarget, type Nodes, workers } from '../facts/nodes.ts';
import { nodeOf, type Step } from './step.ts';

/** Set and taken away by the node controller a moment after what they follow: the cordon and the condition Ready, which are looked at themselves. */
const FOLLOWING_TAINTS = ['unschedulable', 'not-ready', 'unreachable'].map((name) => `node.kubernetes.io/${name}`);
const CONTROL_PLANE_TAINTS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

export type Placement =
  | { readonly kind: 'node'; readonly node: string; readonly why: string }
  | { readonly kind: 'anywhere'; readonly why: string }
  | { readonly kind: 'none'; readonly rejected: readonly { readonly node: string; readonly why: string }[] };

/**
 * Where the Job of a step runs: never on the node that it drains (I01), and only where it can really be scheduled
 * (I20). Its pod holds the key to every node, and root on the node that it runs on can read it: a control plane has that
 * power anyway, a worker only gets it when no control plane can run the Job. An upgraded one first: its turn is over.
 * `drains`: false for a step that leaves its node's pods where they are; it runs there when no other node can run it.
 */
export function placement(step: Step, nodes: Nodes, target: string, drains = true): Placement {
  const rejected: { node: string; why: string }[] = [];
  const fit = nodes.filter((node) => {
    const why = unfit(node, drains ? step : undefined);
    if (why !== undefined) rejected.push({ node: node.name, why });
    return why === undefined;
  });
  const own = nodeOf(step);
  const others = fit.filter(({ name }) => name !== own);
  const trusted = controlPlanes(others);
  const chosen = trusted.find((node) => isOnTarget(node, target)) ?? trusted[0] ?? workers(others)[0] ?? fit[0];
  if (chosen === undefined) return { kind: 'none', rejected };
  if (step.phase === 'postflight') return { kind: 'anywhere', why: 'it changes no node' };
  return { kind: 'node', node: chosen.name, why: whyChosen(step, chosen, target) };
}

function whyChosen(step: Step, node: NodeFact, target: string): string {
  if (step.phase === 'preflight') return `it is the first ${node.role} that can run it`;
  if (nodeOf(step) === node.name) return 'it is not drained, and no other node can run it';
  if (node.role === 'worker') return 'it is the first worker that can run it, and no other control plane can';
  return isOnTarget(node, target)
    ? 'it is a control plane that is upgraded already'
    : 'it is a control plane that is not drained by it';
}

/** Why a node cannot run the Job of a step (undefined: of one that drains none); undefined when it can. The Jobs tolerate the control plane's taint and no other. */
function unfit(node: NodeFact, draining: Step | undefined): string | undefined {
  if (draining !== undefined && nodeOf(draining) === node.name) return 'it is the node that is drained';
  if (node.ready !== 'yes') return node.ready === 'no' ? 'it is not Ready' : 'its kubelet does not report';
  if (!node.schedulable) return 'it is cordoned';
  const taint = node.taints.find(
    (item) => item.effect !== 'PreferNoSchedule' && ![...CONTROL_PLANE_TAINTS, ...FOLLOWING_TAINTS].includes(item.key),
  );
  return taint === undefined ? undefined : `it has the taint ${taint.key}:${taint.effect}`;
}
