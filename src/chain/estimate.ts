import type { Settings } from '../settings/settings.ts';
import { minorOf } from '../version.ts';
import type { Step } from './step.ts';

/** Measured on two cores with stacked etcd (kubeadm's own part of a step), without drains and soak; seconds. */
const KUBEADM_SECONDS = { patch: 100, minor: 180, node: 20 } as const;
const OVERHEAD_SECONDS = 20;

/** What a step takes, before anybody has seen one of this run; seconds. A worker is soaked for so long. Pure. */
export function estimate(
  step: Step,
  from: string,
  target: string,
  { waits }: Pick<Settings, 'waits'>,
  soak = waits.soakSeconds,
): number {
  if (step.phase === 'preflight' || step.phase === 'postflight') return OVERHEAD_SECONDS;
  if (step.phase === 'worker') return KUBEADM_SECONDS.node + OVERHEAD_SECONDS + soak;
  return KUBEADM_SECONDS[minorOf(from) === minorOf(target) ? 'patch' : 'minor'] + OVERHEAD_SECONDS;
}
