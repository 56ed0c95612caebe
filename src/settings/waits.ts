import { z } from 'zod';
import { notes, seconds } from './field.ts';

export const Waits = z.strictObject({
  pollSeconds: z
    .number()
    .positive()
    .default(5)
    .meta(
      notes('How often a wait looks again.', {
        unit: 'seconds',
        reason: 'Often enough for people, seldom enough for the API server.',
      }),
    ),
  settleSeconds: seconds(
    600,
    'No node may have changed its Ready condition within this time before a run.',
    'A reboot that has just happened is not a quiet baseline.',
  ),
  soakSeconds: seconds(
    600,
    'How long a worker is watched after its upgrade, under halt-on-alert.',
    'Most bad upgrades show within ten minutes.',
  ),
  drainSeconds: seconds(
    1800,
    'Deadline of a drain; after it the node is uncordoned and the run stops.',
    'A budget that blocks for half an hour wants a person.',
  ),
  readySeconds: seconds(900, 'Deadline for a node to be Ready with the new version.', 'As in the runbook.'),
  alertSeconds: seconds(
    1800,
    'How long a worker step waits for alerts to clear before it halts.',
    'As in the runbook.',
  ),
  snapshotSeconds: seconds(600, 'Deadline of the etcd snapshot Job.', 'As in the runbook.'),
  apiSeconds: seconds(
    900,
    'How long an API server that is away is waited for.',
    'A single control plane takes its API server away while it is upgraded.',
  ),
  lockSeconds: z
    .number()
    .positive()
    .default(60)
    .meta(
      notes('How long the lock of a Job that was killed keeps another one waiting.', {
        unit: 'seconds',
        reason:
          'A retry of the same Job does not wait; three missed renewals are a dead holder. Below 45 a request of a holder that has just stopped may still be on its way.',
      }),
    ),
});
