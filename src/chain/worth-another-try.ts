import { isUnavailable } from '../cluster/kube-error.ts';
import { NightliftError } from '../errors.ts';

/** Something that was away and may be back in a minute, as opposed to something that was understood. */
export function isWorthAnotherTry(error: unknown): boolean {
  return isUnavailable(error) || (error instanceof NightliftError && error.kind === 'network');
}
