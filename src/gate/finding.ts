/** Who can clear a finding: somebody here now, only an upstream release, or nobody because it was pinned on purpose. */
export type FindingClass = 'actionable' | 'waiting' | 'pinned';

export interface Finding {
  /** Name of the check, kebab-case. */
  readonly check: string;
  /** CamelCase, usable as a metric label. */
  readonly reason: string;
  readonly class: FindingClass;
  readonly severity: 'block' | 'warn';
  readonly message: string;
  readonly remedy?: string;
}

export type Verdict = 'safe' | 'blocked' | 'held';

export interface GateResult {
  readonly target: string;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}
