import type { ResultLine } from './run-settings.ts';

/** More than these have failed of something that a second try does not mend, nor the time of CI allow. */
const MOST = 2;

interface Named {
  readonly name: string;
}

/**
 * Whom CI plays once more, alone and on clusters of their own: two nights beside each other on two cores can be late for
 * each other's sake. A lane that died has no result of what it did not get to.
 */
export function secondTries<T extends Named>(chosen: readonly T[], results: readonly ResultLine[]): readonly T[] {
  const failed = chosen.filter(({ name }) => !results.some((result) => result.name === name && result.passed));
  return failed.length > MOST ? [] : failed;
}

/** The last result of each, in the order of `all`. */
export function lastResults(all: readonly Named[], results: readonly ResultLine[]): readonly ResultLine[] {
  return all.flatMap(({ name }) => results.findLast((result) => result.name === name) ?? []);
}

/** What is told of those that passed at their second try only, and what the first one said; a line each. */
export function toldOfFirstTries(results: readonly ResultLine[]): readonly string[] {
  return results
    .filter(({ name, passed }, index) => !passed && results.slice(index).some((one) => one.name === name && one.passed))
    .map(({ name, summary }) => `↻ passed at its second try: ${name}\n    ${summary}`);
}
