import { nightlyLook } from '../detect/nightly-look.ts';
import { type Call, EXIT } from './call/command.ts';
import { isJob, withJobSession } from './call/session.ts';
import { run as askGate } from './gate.ts';

/** A decision is not a failed Job: every way in which the detection ends is exit code 0. */
export async function run(call: Call): Promise<number> {
  if (!isJob(call)) {
    // What the cluster's Jobs record is what they have seen; from here less can be seen, and a chain is started on purpose.
    call.output.note(
      'Nothing is started or recorded from here: this is no pod of the cluster. To start: nightlift upgrade --to X.Y.Z, or nightlift resume --now for the detection in the cluster.',
    );
    return await askGate(call);
  }
  return await withJobSession(call, 'check', async ({ deps, requests }) => {
    const detection = await nightlyLook(deps, call.signal);
    deps.log.info('check ends', {
      outcome: detection.kind,
      ...('reason' in detection ? { reason: detection.reason } : {}),
      apiRequests: requests(),
    });
    call.output.json(detection);
    return EXIT.done;
  });
}
