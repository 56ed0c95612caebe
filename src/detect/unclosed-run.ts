import type { Facts } from '../facts/facts.ts';
import { runningVersions } from '../facts/running-versions.ts';

/**
 * The version that a run reached without being closed: everything runs it, but a node carries the mark of a step that did
 * not end, or the record of the run is still there. Checks and soak are owed before anything newer is begun, and for
 * that nothing has to be looked up. Pure.
 */
export function unclosedVersion(facts: Facts, recordedTarget: string | undefined): string | undefined {
  const versions = runningVersions(facts);
  if (!facts.nodes.known || !versions.known || versions.value.halfDone) return undefined;
  const { oldest } = versions.value;
  const isOpen = recordedTarget === oldest || facts.nodes.value.some(({ unfinished }) => unfinished === oldest);
  return isOpen ? oldest : undefined;
}
