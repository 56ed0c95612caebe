import type { JobFact } from '../facts/facts.ts';
import type { Outlines } from '../facts/nodes.ts';

/** What became of a worker that is not tried again tonight. */
export interface Failure {
  /** `run`: what stopped it is in the way of the other workers too. */
  readonly scope: 'node' | 'run';
  readonly why: string;
}

/** Annotations are small; the log has the whole text. */
const LONGEST_WHY = 300;

/** `night`: when its preflight was made, as one word; so a mark of an earlier night is none, whatever the clocks say. */
export function writeFailure(target: string, night: string, { scope, why }: Failure): string {
  return `${target} ${night || '-'} ${scope} ${why.length > LONGEST_WHY ? `${why.slice(0, LONGEST_WHY)}…` : why}`;
}

export function readFailure(text: string | null, target: string, night: string): Failure | undefined {
  const [, ofTarget, ofNight, scope, why = ''] = /^(\S+) (\S+) (node|run) (.*)$/s.exec(text ?? '') ?? [];
  if (ofTarget !== target || ofNight !== (night || '-')) return undefined;
  return { scope: scope === 'run' ? 'run' : 'node', why };
}

/** By worker, what has failed for good tonight: by its mark, or by its Job, where its last pod could not say so. */
export function failuresOf(
  nodes: Outlines,
  jobs: readonly JobFact[],
  target: string,
  night: string,
): ReadonlyMap<string, Failure> {
  const failed = new Map<string, Failure>();
  for (const { phase, node, target: of, status, createdAt, died, reason } of jobs) {
    if (phase !== 'worker' || node === null || of !== target || status !== 'failed' || createdAt < night) continue;
    failed.set(node, { scope: 'node', why: `its Job has failed: ${died ?? reason}` });
  }
  for (const { name, failed: text } of nodes) {
    const failure = readFailure(text, target, night);
    if (failure !== undefined) failed.set(name, failure);
  }
  return failed;
}
