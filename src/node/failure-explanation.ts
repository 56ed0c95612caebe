/** CamelCase, usable as a metric label. */
export interface FailureExplanation {
  readonly reason: string;
  readonly message: string;
  readonly remedy: string;
}

/** What nearly every remedy ends with. */
export const AGAIN = 'Start again (the next night does); every step looks at the state first.';
