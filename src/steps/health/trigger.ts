import type { Context } from '../../chain/phase.ts';
import type { Finding } from '../../gate/finding.ts';
import type { Observed } from '../../observed.ts';
import type { Settings } from '../../settings/settings.ts';

/** Something that stops a run after a node: an alert is one, and so is what a node may have brought with it. */
export interface Trigger {
  readonly check: string;
  /** By which `explain` and the report know it. */
  readonly reason: string;
  readonly remedy: string;
  /** What to do when it could not be asked. */
  readonly mend?: string;
  /** Why it is not looked at. */
  skip?(settings: Settings): string | undefined;
  /** So long it has to hold before it stops the run. */
  forSeconds(settings: Settings): number;
  /** It is waited for to go even when it holds: what raises it has waited already. */
  readonly isWaitedFor?: boolean;
  /** Not asked more often than that; each poll without it. */
  readonly everySeconds?: number;
  /** What is wrong now; undefined: nothing. Unknown: it cannot be asked, which stops no soak, and never ends one well. */
  look(context: Context): Promise<Observed<string | undefined>>;
  /** Removes what it has made; never throws. */
  end?(context: Context): Promise<void>;
}

/** A trigger of which something was seen that is not over. */
export interface Standing {
  readonly trigger: Trigger;
  readonly problem: string;
  readonly answered: boolean;
  /** For long enough to stop the run. */
  readonly holds: boolean;
}

interface Seen {
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly problem: string;
}

/** Pure: what is known of a problem after another look. Without it for as long as it has to hold, it is over. */
export function seenAgain(
  before: Seen | undefined,
  problem: string | undefined,
  nowMs: number,
  forMs: number,
): Seen | undefined {
  if (problem !== undefined) return { sinceMs: before?.sinceMs ?? nowMs, lastMs: nowMs, problem };
  return before !== undefined && nowMs - before.lastMs < forMs ? before : undefined;
}

export interface TriggerWatch {
  /** Looks at those whose time has come, or at `all`. */
  look(context: Context, which?: 'due' | 'all'): Promise<readonly Standing[]>;
}

export function watchTriggers(triggers: readonly Trigger[]): TriggerWatch {
  const looked = new Map<Trigger, number>();
  const seen = new Map<Trigger, Seen | undefined>();
  return {
    async look(context, which = 'due') {
      const { settings, clock } = context.deps;
      const standing: Standing[] = [];
      for (const trigger of triggers) {
        if (trigger.skip?.(settings) !== undefined) continue;
        const now = clock.monotonic();
        const forMs = trigger.forSeconds(settings) * 1000;
        const last = looked.get(trigger);
        if (which === 'all' || last === undefined || now - last >= (trigger.everySeconds ?? 0) * 1000) {
          const found = await trigger.look(context);
          if (!found.known) {
            standing.push({ trigger, problem: found.why, answered: false, holds: false });
            continue;
          }
          looked.set(trigger, now);
          seen.set(trigger, seenAgain(seen.get(trigger), found.value, now, forMs));
        }
        const is = seen.get(trigger);
        if (is === undefined) continue;
        const { problem, sinceMs, lastMs } = is;
        standing.push({ trigger, problem, answered: true, holds: lastMs - sinceMs >= forMs });
      }
      return standing;
    },
  };
}

export function triggerFinding(
  { trigger: { check, reason, remedy, mend = remedy }, answered }: Standing,
  message: string,
): Finding {
  return { check, reason, class: 'actionable', severity: 'block', message, remedy: answered ? remedy : mend };
}
