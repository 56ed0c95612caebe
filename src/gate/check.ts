import type { FactPart, Facts } from '../facts/facts.ts';
import type { Jump } from '../version.ts';
import type { Finding } from './finding.ts';
import type { GateOptions } from './gate-options.ts';

export interface GateContext {
  readonly target: string;
  /** From the oldest running version. `unknown` is treated like `minor`, the stricter of the two. */
  readonly jump: Jump | 'unknown';
  readonly options: GateOptions;
}

/** One question to the cluster. Pure: facts in, findings out, no clock but `facts.observedAt`. */
export interface Check {
  /** Kebab-case; docs/gates.md has a heading of this name. */
  readonly name: string;
  /** Without one of these it cannot answer: then it is not asked, and that is said. */
  readonly reads: readonly FactPart[];
  evaluate(facts: Facts, context: GateContext): readonly Finding[];
}
