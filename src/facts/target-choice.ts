export interface ChosenTarget {
  readonly kind: 'target';
  readonly version: string;
  readonly jump: 'patch' | 'minor';
  readonly running: string;
  readonly why: string;
}

export interface UnknownTarget {
  readonly kind: 'unknown';
  readonly why: string;
}

/** What the look for a new version came to, and why. */
export type TargetChoice =
  | ChosenTarget
  | { readonly kind: 'none'; readonly running: string; readonly why: string }
  | UnknownTarget;
