import { createHash } from 'node:crypto';
import { versionLabel } from '../version.ts';

/** One link of the chain. The Job's environment carries this and the target, no more. */
export type Step =
  | { readonly phase: 'preflight' }
  | { readonly phase: 'master' | 'worker'; readonly node: string }
  | { readonly phase: 'postflight' };

export type PhaseName = Step['phase'];

export const PHASES: readonly PhaseName[] = ['preflight', 'master', 'worker', 'postflight'];

/** The node that a step changes; undefined for the steps that change none. */
export function nodeOf(step: Step): string | undefined {
  return 'node' in step ? step.node : undefined;
}

/** Whether a step needs the key to the nodes: postflight looks at the cluster only. */
export function logsIn(step: Step): boolean {
  return step.phase !== 'postflight';
}

export function stepName(step: Step): string {
  const node = nodeOf(step);
  return node === undefined ? step.phase : `${step.phase} ${node}`;
}

/** A Job's name becomes a label value: at most 63 characters, and we keep dots out of it. */
const LONGEST_NAME = 63;

/**
 * The name of the Job of a step: the same for the same step and target, always. The first control plane's Job has no
 * node in its name, as the runbook's alerts know it.
 */
export function jobName(step: Step, target: string, firstControlPlane: string | undefined): string {
  const base = `k8s-upgrade-${step.phase}-${versionLabel(target)}`;
  const node = nodeOf(step);
  return node === undefined || (step.phase === 'master' && node === firstControlPlane) ? base : nodeName(base, node);
}

/** The same for the same node, always, and one of its own for each. */
export function nodeName(base: string, node: string): string {
  const full = `${base}-${node}`;
  if (full.length <= LONGEST_NAME && !node.includes('.')) return full;
  const hash = createHash('sha256').update(node).digest('hex').slice(0, 8);
  const room = LONGEST_NAME - base.length - hash.length - 2;
  const slug = node.replaceAll('.', '-').slice(0, room).replace(/-+$/, '');
  return `${base}-${slug}-${hash}`;
}
