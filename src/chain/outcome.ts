import type { Finding, Verdict } from '../gate/finding.ts';
import { someOf } from '../some-of.ts';
import type { Step } from './step.ts';

/** How a phase or the detection ended. All of these are decisions: the Job exits 0. Failures are thrown. */
export type Outcome =
  | {
      readonly kind: 'advanced';
      readonly next: Step;
      readonly job: string;
      /** Jobs of the workers that go together with it. */
      readonly beside?: readonly string[];
    }
  /** Nothing more may begin while these workers are away; the last of their Jobs goes on. */
  | { readonly kind: 'left-to-others'; readonly atWork: readonly string[] }
  /** Nobody goes on tonight. `untried` were not begun with. */
  | {
      readonly kind: 'partly';
      readonly failed: readonly { readonly node: string; readonly why: string }[];
      readonly untried: readonly string[];
    }
  | { readonly kind: 'finished' }
  | { readonly kind: 'refused'; readonly verdict: Exclude<Verdict, 'safe'>; readonly findings: readonly Finding[] }
  | { readonly kind: 'paused'; readonly reason: string };

/** Thrown inside a wait when the kill switch was engaged or the window ended; `runPhase` turns it into the outcome `paused`. */
export class Paused extends Error {
  override name = 'Paused';
}

/** It goes into an annotation as well; `findings` has them all. */
const MOST_TOLD = 10;

/** Thrown by a step that finds, before it changed anything, that it must not go on. */
export class Refused extends Error {
  override name = 'Refused';
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(
      someOf(
        findings.map((finding) => finding.message),
        MOST_TOLD,
        '; ',
      ),
    );
    this.findings = findings;
  }
}
