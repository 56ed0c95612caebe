import { startDetection } from '../chain/start-detection.ts';
import { KILL_SWITCH } from '../observe/kill-switch.ts';
import { type Call, EXIT, flag } from './call/command.ts';
import { withSession } from './call/session.ts';

export async function run(call: Call): Promise<number> {
  return await withSession(
    call,
    async ({ deps }) => {
      const { output, signal } = call;
      const { namespace } = deps.settings;
      const wasPaused = (await deps.cluster.configMap(namespace, KILL_SWITCH, signal)) !== undefined;
      await deps.cluster.deleteConfigMap(namespace, KILL_SWITCH, signal);
      const resumed = wasPaused ? 'Resumed.' : 'It was not paused.';
      if (!flag(call, 'now')) {
        output.line(wasPaused ? `${resumed} The next night goes on; to go on now: nightlift resume --now` : resumed);
        output.json({ paused: false, wasPaused });
        return EXIT.done;
      }
      const job = await startDetection(deps, `by-hand-${deps.clock.now().getTime().toString(36)}`, signal);
      output.line(`${resumed} The detection has been started: Job ${job}. It goes on where the cluster is.`);
      output.line(`  kubectl -n ${namespace} logs -f job/${job}`);
      output.json({ paused: false, wasPaused, job });
      return EXIT.done;
    },
    'spared',
  );
}
