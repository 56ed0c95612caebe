import { KILL_SWITCH } from '../observe/kill-switch.ts';
import { type Call, EXIT, text } from './call/command.ts';
import { withSession } from './call/session.ts';

export async function run(call: Call): Promise<number> {
  return await withSession(
    call,
    async ({ deps }) => {
      const reason = text(call, 'reason') ?? '';
      const since = deps.clock.now().toISOString();
      await deps.cluster.writeConfigMap(deps.settings.namespace, KILL_SWITCH, { reason, since }, call.signal);
      call.output.line(
        `Paused${reason === '' ? '' : `: ${reason}`}. Nothing starts, and a running chain stops at its next look (a node that is being changed is finished first).`,
      );
      call.output.line('`nightlift resume` ends the pause.');
      call.output.json({ paused: true, reason, since });
      return EXIT.done;
    },
    'spared',
  );
}
