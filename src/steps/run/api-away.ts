import type { ActionStep } from '../../chain/phase.ts';
import { recordRun } from '../../chain/run-record.ts';
import { API_AWAY, readRun, secondsAway, withSecondsAway } from '../../observe/run-record.ts';
import { onlyTold } from './only-told.ts';

/**
 * A person who had no answer at night wants to know for how long: one or two control planes take their API server away.
 * Written for each node, so that a step that is repeated counts once.
 */
export const noteAway: ActionStep = {
  name: 'note-away',
  summary: 'record for how long the API server was away',
  async run(context) {
    const seconds = Math.round(context.deps.cluster.awayMs() / 1000);
    if (seconds === 0) return;
    context.deps.log.info('the API server was away', { seconds });
    await onlyTold(context, 'how long the API server was away', async () => {
      const { name } = await context.node();
      const before = secondsAway((await readRun(context))[API_AWAY]);
      await recordRun(context, { [API_AWAY]: withSecondsAway(before, name, seconds) });
    });
  },
};
