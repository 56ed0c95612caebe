import { formatDuration } from '../../age.ts';
import { estimate } from '../../chain/estimate.ts';
import { Paused } from '../../chain/outcome.ts';
import type { ActionStep, Context } from '../../chain/phase.ts';
import { recordRun } from '../../chain/run-record.ts';
import { BEGUN, readRun, TOOK } from '../../observe/run-record.ts';
import { sayTime, windowAt } from '../../settings/window-at.ts';
import { soakOf } from '../health/halt-on-alert.ts';
import { onlyTold } from './only-told.ts';

const skip = async ({ deps }: Context): Promise<string | undefined> =>
  deps.settings.window === null ? 'there is no window' : undefined;

/** What was begun is finished, so that a node which cannot be finished by the window's end is not begun. */
export const fitsWindow: ActionStep = {
  name: 'fits-window',
  summary: 'see that the node is finished before the window ends',
  skip,
  async run(context) {
    const { deps, step, target } = context;
    const { window } = deps.settings;
    const now = deps.clock.now();
    const state = window === null ? undefined : windowAt(window, now);
    const node = await context.node();
    // Half a node is worse than a late one; what an earlier night did of it is no measure.
    const isHalfDone = node.unfinished !== null || node.cordonedBy !== null;
    if (window !== null && state?.open === true && state.ends !== null && !isHalfDone) {
      const seen = longest((await readRun(context))[TOOK], step.phase);
      const soak = await soakOf(context);
      const own = estimate(step, node.kubelet, target, deps.settings, soak);
      // A canary is watched for longer than those before it may have been.
      const seconds = seen === undefined || (soak > deps.settings.waits.soakSeconds && own > seen) ? own : seen;
      const leftMs = state.ends.getTime() - now.getTime();
      if (seconds * 1000 > leftMs)
        throw new Paused(
          `${node.name} would take ${formatDuration(seconds * 1000)} (${seconds !== seen ? 'an estimate' : 'as an earlier node of this run did'}), and the window ends in ${formatDuration(leftMs)} (${sayTime(state.ends, window.timeZone)}): it is not begun`,
        );
    }
    await onlyTold(context, 'when the node was begun could not be recorded', () =>
      recordRun(context, { [BEGUN]: isHalfDone ? null : `${node.name}=${now.toISOString()}` }),
    );
  },
};

/** For the nodes after it. */
export const noteTook: ActionStep = {
  name: 'note-took',
  summary: 'record how long the node took',
  skip,
  async run(context) {
    await onlyTold(context, 'how long the node took could not be recorded', async () => {
      const { deps, step } = context;
      const run = await readRun(context);
      const [name, at = ''] = (run[BEGUN] ?? '').split('=');
      const seconds = Math.round((deps.clock.now().getTime() - Date.parse(at)) / 1000);
      if (name !== (await context.node()).name || !(seconds > 0)) return;
      const most = Math.max(seconds, longest(run[TOOK], step.phase) ?? 0);
      const others = (run[TOOK] ?? '').split(' ').filter((one) => one !== '' && !one.startsWith(`${step.phase}=`));
      await recordRun(context, { [TOOK]: [...others, `${step.phase}=${most}`].join(' '), [BEGUN]: null });
    });
  },
};

/** What is not of the form `worker=230` says nothing. */
function longest(text = '', phase: string): number | undefined {
  const seconds = new RegExp(`(?:^| )${phase}=(\\d{1,9})(?: |$)`).exec(text)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}
