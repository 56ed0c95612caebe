import type { ActionStep } from '../../chain/phase.ts';
import { recordRun } from '../../chain/run-record.ts';
import { API_AWAY, readRun } from '../../observe/run-record.ts';

/** A person who had no answer at night wants to know for how long: one or two control planes take their API server away. */
export const noteAway: ActionStep = {
  name: 'note-away',
  summary: 'record for how long the API server was away',
  async run(context) {
    const seconds = Math.round(context.deps.cluster.awayMs() / 1000);
    if (seconds === 0) return;
    const before = Number((await readRun(context))[API_AWAY] ?? 0);
    await recordRun(context, { [API_AWAY]: String((Number.isFinite(before) ? before : 0) + seconds) });
    context.deps.log.info('the API server was away', { seconds });
  },
};
