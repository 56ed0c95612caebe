import type { FactPart } from '../facts/facts.ts';

/** Who can clear a finding: somebody here now, only an upstream release, or nobody because it was pinned on purpose. */
export type FindingClass = 'actionable' | 'waiting' | 'pinned';

export interface Finding {
  /** Name of the check, kebab-case. */
  readonly check: string;
  /** CamelCase, usable as a metric label. */
  readonly reason: string;
  readonly class: FindingClass;
  readonly severity: 'block' | 'warn';
  /** What it is about, where its message may change and that does not. */
  readonly subject?: string;
  readonly message: string;
  readonly remedy?: string;
}

export type Verdict = 'safe' | 'blocked' | 'held';

/** A check that whoever asked could not ask, and what of the facts it would have needed. */
export interface NotAsked {
  readonly check: string;
  readonly missing: readonly FactPart[];
}

export interface GateResult {
  readonly target: string;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** The verdict says nothing of these. */
  readonly notAsked: readonly NotAsked[];
}
