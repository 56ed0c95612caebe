import type { Facts } from '../facts/facts.ts';
import { type RunningVersions, runningVersions } from '../facts/running-versions.ts';
import type { ChosenTarget } from '../facts/target-choice.ts';
import { type Observed, unknown } from '../observed.ts';
import { minorOf } from '../version.ts';

export function runningFromAll(facts: Facts): Observed<RunningVersions> {
  if (!facts.apiServer.known) return unknown(`the API server's version could not be read: ${facts.apiServer.why}`);
  return runningVersions(facts);
}

export function possibleTarget(version: string, running: string, why: string): ChosenTarget {
  return { kind: 'target', version, jump: minorOf(version) === minorOf(running) ? 'patch' : 'minor', running, why };
}
