import { exampleFacts } from '../../src/facts/example-facts.ts';
import type { JobFact } from '../../src/facts/facts.ts';
import { known } from '../../src/observed.ts';
import type { ChainState } from '../../src/report/chain-state.ts';
import type { Night } from '../../src/report/night.ts';
import type { Running } from '../../src/report/running.ts';
import { exampleJob } from './example-deps.ts';

const MORNING = Date.parse(exampleFacts().observedAt);

/** Before the facts of the example were read. */
export function hoursBefore(hours: number): string {
  return new Date(MORNING - hours * 3_600_000).toISOString();
}

/** A complete Job of the chain to 1.36.4, begun and ended that long before the report. */
export function jobAt(phase: string, hoursAgo: number, fields: Partial<JobFact> = {}): JobFact {
  const at = hoursBefore(hoursAgo);
  return exampleJob(`k8s-upgrade-${phase}-1-36-4`, { status: 'complete', createdAt: at, finishedAt: at, ...fields });
}

export function exampleChain(fields: Partial<ChainState> = {}): ChainState {
  return { recent: [], active: [], failed: undefined, finished: [], unfinished: undefined, ...fields };
}

/** Three nodes that all run 1.36.3. */
export function exampleRunning(fields: Partial<Running> = {}): Running {
  return {
    oldest: '1.36.3',
    oldestApiServer: '1.36.3',
    newestApiServer: '1.36.3',
    halfDone: false,
    nodes: 3,
    uniform: '1.36.3',
    nodesOnNewest: 3,
    ...fields,
  };
}

/** One of three nodes is on 1.36.4. */
export const HALF_DONE = exampleRunning({
  oldestApiServer: '1.36.4',
  newestApiServer: '1.36.4',
  halfDone: true,
  uniform: null,
  nodesOnNewest: 1,
});

/** A quiet night: the detector has looked and found nothing. */
export function exampleNight(fields: Partial<Night> = {}): Night {
  return {
    facts: exampleFacts(),
    choice: { kind: 'none', running: '1.36.3', why: 'there is no newer patch' },
    gate: null,
    target: null,
    detector: { ageMs: known(3_600_000), fresh: true, detected: known({ kind: 'none', target: null }) },
    chain: known(exampleChain()),
    running: known(exampleRunning()),
    windowHours: 26,
    namespace: 'upgrades',
    dryRun: false,
    ...fields,
  };
}
