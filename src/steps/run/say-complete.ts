import { composeEvent } from '../../chain/compose-event.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { reasonOf } from '../../errors.ts';
import { otherChanges } from '../../facts/inventory.ts';
import { haltingAlerts } from '../../gate/firing-alerts.ts';
import { alertOptions } from '../../gate/gate-options.ts';
import { announce } from '../../notify/announce.ts';
import { inventoryIn } from '../../observe/inventory.ts';
import { readRun, recordedRun } from '../../observe/run-record.ts';
import { brokenBefore, counts } from '../health/broken-before.ts';

/** After the work is done an alert does not undo it: it is said. */
export const warnOfAlerts: ActionStep = {
  name: 'alerts',
  summary: 'alerts that fire now are named',
  async run({ deps, signal }) {
    try {
      const firing = haltingAlerts(await deps.alerts.active(signal), alertOptions(deps, true));
      if (firing.length > 0)
        deps.log.warn('alerts are firing after the upgrade', { alerts: firing.map((alert) => alert.name).join(', ') });
    } catch (error) {
      deps.log.warn('Prometheus could not be asked after the upgrade', { error: reasonOf(error) });
    }
  },
};

/** Said once for a run: a second postflight finds the record of the run gone and stays silent. */
export const sayComplete: ActionStep = {
  name: 'say-complete',
  summary: 'say that the upgrade is complete',
  isDone: async (context) => (await readRun(context))['in-flight'] === undefined,
  async run(context) {
    const { deps, target, signal } = context;
    const record = await readRun(context);
    const started = Date.parse(record['in-flight'] ?? '');
    const nodes = await deps.cluster.nodes(signal);
    const before = await brokenBefore(context);
    const { state: broken } = await deps.cluster.readiness(
      {},
      (): string[] => [],
      (found, pod) => {
        if (counts(pod) && !pod.ready && before.has(pod)) found.push(`${pod.namespace}/${pod.name}`);
      },
      signal,
    );
    await announce(
      deps,
      composeEvent({
        kind: 'complete',
        target,
        nodes: nodes.length,
        apiAwaySeconds: recordedRun(record).apiAwaySeconds ?? null,
        apiAwayAtLeast: recordedRun(record).apiAwayAtLeast,
        otherChanges: changedBeside(context, record),
        brokenBefore: broken,
        ...(Number.isNaN(started) ? {} : { seconds: Math.round((deps.clock.now().getTime() - started) / 1000) }),
      }),
      signal,
    );
  },
};

/** As `compare-inventory` has written it down. */
function changedBeside({ deps, target }: Context, run: Readonly<Record<string, string>>): readonly string[] {
  try {
    const { before, after } = inventoryIn(run, deps.settings);
    return before?.target === target && after?.target === target ? otherChanges(before.kinds, after.kinds) : [];
  } catch (error) {
    deps.log.warn('what has changed beside the upgrade is not known', { error: reasonOf(error) });
    return [];
  }
}
