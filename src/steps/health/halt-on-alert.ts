import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { soakSeconds } from '../../chain/rollout.ts';
import { nodeOf } from '../../chain/step.ts';
import { NightliftError, reasonOf } from '../../errors.ts';
import type { AlertFact } from '../../facts/facts.ts';
import type { Finding } from '../../gate/finding.ts';
import { haltingAlerts } from '../../gate/firing-alerts.ts';
import { alertOptions } from '../../gate/gate-options.ts';
import { known, type Observed, unknown } from '../../observed.ts';

/** The alerts that halt now; unknown when Prometheus cannot be asked. */
async function look({ deps, signal }: Context): Promise<Observed<readonly AlertFact[]>> {
  const { required, prometheusUrl } = deps.settings.alerts;
  if (!required && prometheusUrl === '') return known([]);
  try {
    return known(haltingAlerts(await deps.alerts.active(signal), alertOptions(deps, true)));
  } catch (error) {
    if (!required) {
      deps.log.warn('Prometheus cannot be asked, and the settings do not require it', { error: reasonOf(error) });
      return known([]);
    }
    return unknown(reasonOf(error));
  }
}

function problemOf(alerts: Observed<readonly AlertFact[]>): string | undefined {
  if (!alerts.known) return `Prometheus cannot be asked, and silence is not health: ${alerts.why}`;
  if (alerts.value.length === 0) return undefined;
  return `firing: ${alerts.value.map((alert) => (alert.summary === '' ? alert.name : `${alert.name} (${alert.summary})`)).join(', ')}`;
}

/** Halts while alerts fire; a worker's step waits for them to clear first, for `waitSeconds`. */
function haltOnAlert(name: string, summary: string, waitSeconds: (context: Context) => number): ActionStep {
  return {
    name,
    summary,
    async run(context) {
      let isAnswered = false;
      try {
        await context.waiter.until(
          'alerts to clear',
          async (_, signal) => {
            const alerts = await look({ ...context, signal });
            isAnswered = alerts.known;
            const problem = problemOf(alerts);
            return problem === undefined ? { done: true, value: undefined } : { done: false, missing: problem };
          },
          { seconds: waitSeconds(context), lookSeconds: context.deps.settings.waits.apiSeconds, remedy: '' },
        );
      } catch (error) {
        if (error instanceof NightliftError && error.kind === 'timeout')
          throw new Refused([finding(error.message, isAnswered ? CLEAR : MEND)]);
        throw error;
      }
    },
  };
}

const CLEAR = 'Clear the alert, or put its name into alerts.ignore; the next night goes on.';
const MEND =
  'Mend the way to Prometheus (alerts.prometheusUrl), or what it scrapes, or its rules; the next night goes on.';

function finding(message: string, remedy = CLEAR): Finding {
  return {
    check: 'halt-on-alert',
    reason: 'AlertFiring',
    class: 'actionable',
    severity: 'block',
    message,
    remedy,
  };
}

export const haltNow = haltOnAlert('halt-on-alert', 'no alert is firing', () => 0);
export const haltAfterWaiting = haltOnAlert(
  'halt-on-alert',
  'no alert is firing',
  ({ deps }) => deps.settings.waits.alertSeconds,
);

/** Watches for the soak time: an alert that fires ends the run at once; at the end Prometheus must have answered. */
export const soak: ActionStep = {
  name: 'soak',
  summary: 'watch the node before the next one goes',
  longest: ({ waits, rollout }) => Math.max(...Object.values(waits), rollout.canary.soakSeconds),
  async run(context) {
    const watch = async (): Promise<void> => {
      const alerts = await look(context);
      if (alerts.known && alerts.value.length > 0)
        throw new Refused([finding(`during the soak: ${problemOf(alerts) ?? ''}`)]);
    };
    await context.waiter.pass('soak', await secondsOf(context), watch);
    await haltAfterWaiting.run(context);
  },
};

/** The other workers are read only where there are canaries. */
async function secondsOf({ deps, step, target, signal }: Context): Promise<number> {
  const { waits, rollout } = deps.settings;
  const name = nodeOf(step);
  if (name === undefined || step.phase !== 'worker' || rollout.canary.perGroup === 0) return waits.soakSeconds;
  const nodes = await deps.cluster.outlines(signal);
  return soakSeconds(name, { nodes, rollout, target }, waits.soakSeconds);
}
