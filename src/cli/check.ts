import { detect } from '../detect/detect.ts';
import { type Call, EXIT } from './call/command.ts';
import { withJobSession } from './call/session.ts';

/** A decision is not a failed Job: every way in which the detection ends is exit code 0. */
export async function run(call: Call): Promise<number> {
  return await withJobSession(call, 'check', async ({ deps, requests }) => {
    const detection = await detect(deps, call.signal);
    deps.log.info('check ends', {
      outcome: detection.kind,
      ...('reason' in detection ? { reason: detection.reason } : {}),
      apiRequests: requests(),
    });
    call.output.json(detection);
    return EXIT.done;
  });
}
