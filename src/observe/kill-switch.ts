import { isUnavailable } from '../cluster/kube-error.ts';
import type { Deps } from '../deps.ts';
import { reasonOf } from '../errors.ts';
import { known, type Observed, unknown } from '../observed.ts';

export const KILL_SWITCH = 'k8s-upgrade-killswitch';

export interface KillSwitch {
  readonly engaged: boolean;
  readonly reason: string;
}

export async function readKillSwitch(
  deps: Pick<Deps, 'cluster' | 'settings'>,
  signal: AbortSignal,
): Promise<Observed<KillSwitch>> {
  try {
    const data = await deps.cluster.configMap(deps.settings.namespace, KILL_SWITCH, signal);
    return known({ engaged: data !== undefined, reason: data?.['reason'] ?? '' });
  } catch (error) {
    if (isUnavailable(error)) throw error;
    return unknown(reasonOf(error));
  }
}
