import { z } from 'zod';
import { notes, seconds } from './field.ts';

const PERCENT = /^([1-9]\d?|100)%$/;

/** A number of nodes, or a part of them. */
const Share = z
  .union([z.number(), z.string()])
  .refine(
    (share) => (typeof share === 'number' ? Number.isInteger(share) && share >= 1 : PERCENT.test(share)),
    'give a number of nodes from 1, or a percentage such as 10%',
  );

export type Share = z.infer<typeof Share>;

const Groups = z.strictObject({
  label: z
    .string()
    .min(1)
    .meta(
      notes('Label of the nodes by whose value workers are grouped; those without it are the last group.', {
        reason: 'Only who runs the nodes knows which of them are alike.',
      }),
    ),
  order: z
    .array(z.string())
    .default([])
    .meta(
      notes('Values of that label, in the order in which their groups have their turn; all others come after them.', {
        reason: 'Without it by value, as people count.',
      }),
    ),
  maxUnavailable: Share.nullable()
    .default(null)
    .meta(
      notes('How many workers of one group may be away at a time at most: a number, or a percentage of the group.', {
        reason: 'Without it the limit of all workers is that of each group.',
      }),
    ),
});

export const Rollout = z
  .strictObject({
    maxUnavailable: Share.default(1).meta(
      notes(
        'How many workers may be away at a time: a number, or a percentage of all workers (rounded down, at least one). Control planes always go one at a time.',
        { reason: 'As in the runbook: one at a time.' },
      ),
    ),
    batch: z
      .int()
      .min(1)
      .nullable()
      .default(null)
      .meta(
        notes(
          'So many workers go together, and the next ones when all of them are finished. Without it the next worker begins whenever one is finished; with `pauseSeconds` it is `maxUnavailable`.',
          { reason: 'A slow node need not hold up the others.' },
        ),
      ),
    pauseSeconds: seconds(0, 'Between two batches.', 'The soak of each node is a pause already.'),
    groups: Groups.nullable()
      .default(null)
      .meta(
        notes('Groups of workers, one after the other; none = all of them are one group.', {
          reason: 'There is no label that fits every cluster.',
        }),
      ),
    canary: z
      .strictObject({
        perGroup: z
          .int()
          .nonnegative()
          .default(0)
          .meta(
            notes('So many workers of each group go first; the others of the group when these are finished and well.', {
              reason: 'Without groups that differ, each worker is the canary of the next one.',
            }),
          ),
        soakSeconds: seconds(
          0,
          'How long a canary is watched, where that is longer than `waits.soakSeconds`.',
          'As long as any other worker.',
        ),
      })
      .prefault({}),
    order: z
      .enum(['name', 'fewest-pods'])
      .default('name')
      .meta(
        notes('Order of the workers of a group. `fewest-pods` lists all pods of the cluster after each step.', {
          reason: 'As people count, and known beforehand.',
        }),
      ),
    orderLabel: z
      .string()
      .default('')
      .meta(
        notes('Label by whose value the workers of a group are ordered first; empty = none.', {
          reason: 'For an order of your own.',
        }),
      ),
    maxFailed: z
      .int()
      .nonnegative()
      .default(0)
      .meta(
        notes(
          'How many workers may refuse or fail in a night while the others go on. Each is put back, named, and tried again in the next night, which then only was partly done.',
          { reason: 'What fails on one node most often fails on the next one too.' },
        ),
      ),
    zones: z
      .enum(['any', 'one-at-a-time'])
      .default('any')
      .meta(
        notes(
          '`one-at-a-time`: workers that are away together are of one zone (label `topology.kubernetes.io/zone`; one without it goes alone).',
          { reason: 'One at a time needs no such rule, and not every cluster has zones.' },
        ),
      ),
  })
  .superRefine(({ maxUnavailable, batch, groups, canary }, { addIssue }) => {
    const refuse = (path: string[], message: string) => addIssue({ code: 'custom', path, message });
    if (canary.soakSeconds > 0 && canary.perGroup === 0)
      refuse(['canary', 'soakSeconds'], 'there are no canaries: set rollout.canary.perGroup, or leave it away');
    if (typeof maxUnavailable !== 'number') return;
    if (batch !== null && batch > maxUnavailable)
      refuse(['batch'], `${batch} is more than rollout.maxUnavailable (${maxUnavailable}) lets go at a time`);
    if (typeof groups?.maxUnavailable === 'number' && groups.maxUnavailable > maxUnavailable)
      refuse(
        ['groups', 'maxUnavailable'],
        `${groups.maxUnavailable} is more than rollout.maxUnavailable (${maxUnavailable}) lets go at a time`,
      );
  });

export type Rollout = z.infer<typeof Rollout>;

/** Of so many nodes; at least one. */
export function sharedOut(share: Share, total: number): number {
  if (typeof share === 'number') return share;
  return Math.max(1, Math.floor((total * Number.parseInt(share, 10)) / 100));
}

/** Whether more than one worker may be away at a time: then each has a lock of its own. */
export function isParallel({ maxUnavailable }: Rollout): boolean {
  return maxUnavailable !== 1;
}

/** Whether one worker after the other goes, and one that fails ends the night: then what the nodes show says what comes next. */
export function isOneByOne(rollout: Rollout): boolean {
  return !isParallel(rollout) && rollout.maxFailed === 0;
}

/** Whether it has to be known later which workers have been finished, and when. */
export function remembersFinished({ pauseSeconds, canary }: Rollout): boolean {
  return pauseSeconds > 0 || canary.perGroup > 0;
}
