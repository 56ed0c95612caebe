import type { Policy } from '../../settings/drain-policy.ts';

export interface BlockedPod {
  /** No waiting helps: two budgets on one pod. */
  readonly isForEver: boolean;
  readonly blockedMs: number;
  /** This drain has just taken another pod from under the same budget: the budget is only busy with that. */
  readonly isOwnDoing: boolean;
}

/** What to do about a blocked pod now. */
export function reactionTo(
  { action, afterSeconds }: Policy,
  blocked: BlockedPod,
): 'wait' | 'restart' | 'delete' | 'give-up' {
  switch (action) {
    case 'restart-owner':
      return 'restart';
    case 'delete-after':
      return blocked.blockedMs >= afterSeconds * 1000 ? 'delete' : 'wait';
    case 'give-up':
      return blocked.isForEver || !blocked.isOwnDoing ? 'give-up' : 'wait';
    case 'wait':
      return blocked.isForEver ? 'give-up' : 'wait';
  }
}
