import { NightliftError } from '../errors.ts';
import type { NodeOutline } from '../facts/node-fact.ts';
import { jumpBetween, oldestVersion } from '../version.ts';
import { tooEarly } from './order.ts';
import { Refused } from './outcome.ts';
import { type Step, stepName } from './step.ts';

/** A Job made by hand can carry any target: what kubeadm could not do is refused before anything is asked or changed. */
export function refuseWrongTarget(nodes: readonly NodeOutline[], target: string): void {
  const running =
    oldestVersion(nodes.flatMap((node) => (node.apiServer === null ? [] : [node.apiServer]))) ??
    oldestVersion(nodes.map((node) => node.kubelet));
  if (running === undefined)
    throw new NightliftError('cluster', 'reading the nodes: the API server lists none', {
      remedy: 'Check the account of the Job: kubectl auth can-i list nodes.',
    });
  const jump = jumpBetween(running, target);
  if (typeof jump === 'string') return;
  throw new Refused([
    {
      check: 'target',
      reason: 'WrongTarget',
      class: 'actionable',
      severity: 'block',
      message: jump.problem,
      remedy: 'Delete this Job; `nightlift plan` shows the possible targets.',
    },
  ]);
}

/** The chain itself comes in order; a Job made by hand need not. */
export function refuseTooEarly(step: Step, nodes: readonly NodeOutline[], target: string): void {
  const why = tooEarly(step, nodes, target);
  if (why === undefined) return;
  throw new Refused([
    {
      check: 'order',
      reason: 'TooEarly',
      class: 'actionable',
      severity: 'block',
      message: `${stepName(step)} is too early: ${why}`,
      remedy: `Delete this Job; \`nightlift upgrade --to ${target}\` goes in the right order.`,
    },
  ]);
}
