import { z } from 'zod';
import { name, notes, seconds } from './field.ts';

export const Snapshot = z.strictObject({
  cronJob: z
    .string()
    .default('backup-etcd')
    .meta(
      notes('CronJob from which the etcd snapshot Job is made; empty, or not in the cluster = `own` decides.', {
        reason: 'As in the runbook.',
      }),
    ),
  namespace: name.default('default').meta(notes('Namespace of that CronJob.', { reason: 'As in the runbook.' })),
  own: z
    .boolean()
    .default(true)
    .meta(
      notes(
        'Without that CronJob, take the snapshot over SSH on the first control plane that is Ready; false = take none then.',
        { reason: 'A cluster of kubeadm has all that it needs, and a snapshot is better than a refusal.' },
      ),
    ),
  directory: z
    .string()
    .regex(/^(?!.*\/\.\.?(\/|$))(\/[\w.-]+)+$/, 'give an absolute path of letters, digits, "_", "-" and "."')
    .default('/var/lib/nightlift/snapshots')
    .meta(
      notes('Directory of own snapshots on the node, made with mode 0700.', {
        reason: 'A snapshot has every Secret of the cluster in it.',
      }),
    ),
  keep: z
    .number()
    .int()
    .min(1)
    .default(3)
    .meta(
      notes('How many own snapshots stay on a node.', {
        unit: 'snapshots',
        reason: 'Two nights to notice that something is wrong; older data is of little use to a cluster.',
      }),
    ),
  restoreProof: z
    .enum(['auto', 'off'])
    .default('auto')
    .meta(
      notes(
        '`auto` restores an own snapshot beside it, starts an etcd from it on loopback and counts its keys, when three times the size of etcd is free; `off` leaves that out.',
        { reason: 'Only a snapshot that was restored once is known to be restorable (D21).' },
      ),
    ),
  maxAgeSeconds: seconds(
    3600,
    'A snapshot that this run has taken counts for so long; after that another one is taken.',
    'What was written since is lost by a restore. A preflight that is tried again within it goes on with its snapshot.',
  ),
  required: z
    .boolean()
    .default(true)
    .meta(notes('Refuse to start without a verified snapshot.', { reason: 'etcd cannot be rolled back without one.' })),
  minimumBytes: z
    .number()
    .int()
    .nonnegative()
    .default(1024)
    .meta(
      notes('A smaller snapshot counts as failed.', {
        unit: 'bytes',
        reason: 'As in the runbook; an empty file is not a backup.',
      }),
    ),
});
