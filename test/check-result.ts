export interface CheckResult {
  readonly status: 'passed' | 'failed' | 'not run';
  /** Of a failure, its output; else a word on what was looked at, or why nothing was. */
  readonly detail: string;
}
