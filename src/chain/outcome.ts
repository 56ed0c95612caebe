import type { Finding, Verdict } from '../gate/finding.ts';
import { someOf } from '../some-of.ts';
import type { Step } from './step.ts';

/** How a phase or the detection ended. All of these are decisions: the Job exits 0. Failures are thrown. */
export type Outcome =
  | { readonly kind: 'advanced'; readonly next: Step; readonly job: string }
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
