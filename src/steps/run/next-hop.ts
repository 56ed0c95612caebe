import { whyPaused } from '../../chain/may-go-on.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { DETECTOR, startDetection } from '../../chain/start-detection.ts';
import { hopsOfNight, NIGHT_HOPS } from '../../observe/night-hops.ts';
import { readRun } from '../../observe/run-record.ts';
import { versionLabel } from '../../version.ts';
import { onlyTold } from './only-told.ts';

/** The run is closed, and this is no part of it: what goes wrong here is left to the next night. */
export const nextHop: ActionStep = {
  name: 'next-hop',
  summary: 'start the next detection, where hops are left tonight',
  // A pause stops no run that is closed.
  critical: true,
  skip: async ({ deps }) =>
    deps.settings.target.hopsPerNight === 1 ? 'the next night goes on (target.hopsPerNight is 1)' : undefined,
  run: (context) => onlyTold(context, 'the next hop of the night could not be begun', () => begin(context)),
};

async function begin(context: Context): Promise<void> {
  const { deps, target, signal } = context;
  const why = (await whyNot(context)) ?? (await whyPaused(deps, signal));
  if (why !== undefined) return deps.log.info('no further hop tonight', { why });
  const job = await startDetection(deps, `after-${versionLabel(target)}`, signal);
  deps.log.info('hops are left tonight: the next detection is started', { job });
}

async function whyNot(context: Context): Promise<string | undefined> {
  const { deps, target } = context;
  const { hopsPerNight } = deps.settings.target;
  const hops = hopsOfNight((await readRun(context))[NIGHT_HOPS], deps.clock.now().getTime());
  if (hops.at(-1)?.target !== target) return 'this run was not begun by the detection';
  if (hops.length >= hopsPerNight) return `${hops.length} of ${hopsPerNight} (target.hopsPerNight) are done`;
  // Who has suspended the nights does not want one begun by us.
  const detector = await deps.cluster.cronJob(deps.settings.namespace, DETECTOR, context.signal);
  return detector?.suspended === true ? `CronJob ${deps.settings.namespace}/${DETECTOR} is suspended` : undefined;
}
