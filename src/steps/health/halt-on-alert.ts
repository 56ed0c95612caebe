import { isStepOfCanary } from '../../chain/canary.ts';
import { Refused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { soakSeconds } from '../../chain/rollout.ts';
import { NightliftError, reasonOf } from '../../errors.ts';
import type { AlertFact } from '../../facts/facts.ts';
import { haltingAlerts } from '../../gate/firing-alerts.ts';
import { alertOptions } from '../../gate/gate-options.ts';
import { known, type Observed, unknown } from '../../observed.ts';
import type { Settings } from '../../settings/settings.ts';
import { crashLoops } from './crash-loops.ts';
import { mounts } from './mounts.ts';
import { nodeNetwork } from './node-network.ts';
import { type Standing, type Trigger, type TriggerWatch, triggerFinding, watchTriggers } from './trigger.ts';

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

function problemOf(alerts: readonly AlertFact[]): string | undefined {
  if (alerts.length === 0) return undefined;
  return `firing: ${alerts.map((alert) => (alert.summary === '' ? alert.name : `${alert.name} (${alert.summary})`)).join(', ')}`;
}

const alerts: Trigger = {
  check: 'halt-on-alert',
  reason: 'AlertFiring',
  remedy: 'Clear the alert, or put its name into alerts.ignore; the next night goes on.',
  mend: 'Mend the way to Prometheus (alerts.prometheusUrl), or what it scrapes, or its rules; the next night goes on.',
  forSeconds: () => 0,
  isWaitedFor: true,
  async look(context) {
    const found = await look(context);
    if (found.known) return known(problemOf(found.value));
    return unknown(`Prometheus cannot be asked, and silence is not health: ${found.why}`);
  },
};

/** What stops a run after a node, besides alerts. */
const OF_A_NODE: readonly Trigger[] = [crashLoops, mounts, nodeNetwork];

interface HaltOptions {
  readonly name: string;
  readonly summary: string;
  readonly waitSeconds: (context: Context) => number;
  /** What is waited for, for messages. */
  readonly what: string;
}

/** Halts while one of them stands, after waiting for it to clear for `waitSeconds`. */
async function haltOn(
  watch: TriggerWatch,
  context: Context,
  { what, waitSeconds }: Pick<HaltOptions, 'what' | 'waitSeconds'>,
): Promise<void> {
  const seconds = waitSeconds(context);
  let standing: readonly Standing[] = [];
  let which: 'all' | 'due' = 'all';
  try {
    await context.waiter.until(
      what,
      async (_, signal) => {
        standing = await watch.look({ ...context, signal }, which);
        which = 'due';
        refuseOn(standing.filter(({ holds, trigger }) => holds && trigger.isWaitedFor !== true));
        return standing.length === 0
          ? { done: true, value: undefined }
          : { done: false, missing: standing.map(({ problem }) => problem).join('; ') };
      },
      { seconds, lookSeconds: context.deps.settings.waits.apiSeconds, remedy: '' },
    );
  } catch (error) {
    if (error instanceof NightliftError && error.kind === 'timeout')
      refuseOn(standing, `waiting ${seconds} s for ${what}: `);
    throw error;
  }
}

function refuseOn(standing: readonly Standing[], doing = ''): void {
  if (standing.length === 0) return;
  throw new Refused(standing.map((one) => triggerFinding(one, `${doing}${one.problem}`)));
}

/** However it ends: what a trigger has made is removed. A process that is killed leaves it to the next try. */
async function withEnd(triggers: readonly Trigger[], context: Context, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } finally {
    for (const trigger of triggers) {
      if (trigger.skip?.(context.deps.settings) === undefined) await trigger.end?.(context);
    }
  }
}

function haltStep(triggers: readonly Trigger[], options: HaltOptions): ActionStep {
  const { name, summary } = options;
  const run: ActionStep['run'] = (context) =>
    withEnd(triggers, context, () => haltOn(watchTriggers(triggers), context, options));
  return { name, summary, run };
}

const NO_ALERT = { name: 'halt-on-alert', summary: 'no alert is firing', what: 'alerts to clear' };

export const haltNow = haltStep([alerts], { ...NO_ALERT, waitSeconds: () => 0 });
const alertSeconds = ({ deps }: Context): number => deps.settings.waits.alertSeconds;
export const haltAfterWaiting = haltStep([alerts], { ...NO_ALERT, waitSeconds: alertSeconds });

/** Within twice the time that it has to hold a trigger holds or is over; the rest is for the looks. */
const nodeSeconds = ({ triggers }: Settings): number => triggers.forSeconds * 2 + 60;
const NO_TRIGGER = {
  name: 'triggers',
  summary: 'nothing that stops a run after a node has happened',
  what: 'what the node may have brought with it to be over',
  waitSeconds: ({ deps }: Context): number => nodeSeconds(deps.settings),
};

/** For a control plane, which is not soaked. */
export const haltOnTrigger = haltStep(OF_A_NODE, NO_TRIGGER);

/** Watches for the soak time: an alert that fires ends the run at once; at the end Prometheus must have answered. */
export const soak: ActionStep = {
  name: 'soak',
  summary: 'watch the node before the next one goes',
  longest: (settings) =>
    Math.max(settings.waits.soakSeconds, settings.rollout.canary.soakSeconds) +
    nodeSeconds(settings) +
    settings.waits.alertSeconds,
  async run(context) {
    const onAlerts = watchTriggers([alerts]);
    const onNode = watchTriggers(OF_A_NODE);
    const watch = async (): Promise<void> => {
      const standing = [...(await onAlerts.look(context)), ...(await onNode.look(context))];
      refuseOn(
        standing.filter(({ holds, answered }) => holds && answered),
        'during the soak: ',
      );
    };
    await withEnd(OF_A_NODE, context, async () => {
      await context.waiter.pass('soak', await soakOf(context), watch);
      await haltOn(onNode, context, NO_TRIGGER);
    });
    await haltAfterWaiting.run(context);
  },
};

/** How long the step's node is watched; seconds: a canary for longer. */
export async function soakOf(context: Context): Promise<number> {
  const { waits, rollout } = context.deps.settings;
  return soakSeconds(await isStepOfCanary(context), rollout, waits.soakSeconds);
}
