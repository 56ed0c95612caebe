import { pushGauges } from '../metrics/gauges.ts';
import type { Settings } from '../settings/settings.ts';
import type { ActionStep, Context } from './phase.ts';

/** What a step needs beside the waits that it may sit out: looks at the cluster, the next Job's start; seconds. */
const BESIDE_SECONDS = 600;
/** Steps that take no time are not worth a request each; seconds. */
const SELDOM_SECONDS = 60;

/** After which a step hangs, by what the settings let it wait; seconds. Pure. */
export function longestSeconds(action: Pick<ActionStep, 'longest'>, settings: Settings): number {
  return (action.longest?.(settings) ?? Math.max(...Object.values(settings.waits))) + BESIDE_SECONDS;
}

/**
 * Tells Prometheus by when the step that begins is to have ended: a Job that hangs, or whose successor stays Pending, is
 * active, and does not get on. For one Job.
 */
export function stepDue({ deps, signal }: Pick<Context, 'deps' | 'signal'>): (action: ActionStep) => Promise<void> {
  let [said, due] = [0, 0];
  return async (action) => {
    const now = Math.floor(deps.clock.now().getTime() / 1000);
    const next = now + longestSeconds(action, deps.settings);
    if (now - said < SELDOM_SECONDS && Math.abs(next - due) < SELDOM_SECONDS) return;
    [said, due] = [now, next];
    await pushGauges({ deps, signal }, { k8s_upgrade_step_due_timestamp: due, k8s_upgrade_paused: 0 });
  };
}
