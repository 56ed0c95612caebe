import { KILL_SWITCH } from '../observe/kill-switch.ts';
import { type Call, EXIT } from './call/command.ts';
import { withSession } from './call/session.ts';

export async function run(call: Call): Promise<number> {
  return await withSession(
    call,
    async ({ deps }) => {
      const { namespace } = deps.settings;
      const was = await deps.cluster.configMap(namespace, KILL_SWITCH, call.signal);
      await deps.cluster.deleteConfigMap(namespace, KILL_SWITCH, call.signal);
      call.output.line(was === undefined ? 'It was not paused.' : 'Resumed. The next night goes on; to go on now:');
      if (was !== undefined)
        call.output.line(`  kubectl -n ${namespace} create job --from=cronjob/k8s-version-check check-now`);
      call.output.json({ paused: false, wasPaused: was !== undefined });
      return EXIT.done;
    },
    'spared',
  );
}
