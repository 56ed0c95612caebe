import type { Context } from '../../chain/phase.ts';
import type { Settings } from '../../settings/settings.ts';

/** Something that a cluster still does after an upgrade, asked of it from outside: a row of the matrix. */
export interface SmokeCheck {
  /** By which `explain` and the report know it. */
  readonly reason: string;
  /** Says first what is asked, for messages. */
  readonly what: string;
  readonly remedy: string;
  isWanted(settings: Settings): boolean;
  /** What preflight writes down for it, and under which key of the run's record. */
  readonly note?: { readonly key: string; text(context: Context): Promise<string> };
  /** What is not as it should be; none: it is well. `before`: what was noted, '' where the check notes nothing. */
  look(context: Context, before: string): Promise<readonly string[]>;
  /** Removes what it has made; never throws. */
  end?(context: Context): Promise<void>;
}
