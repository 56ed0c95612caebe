import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import { RecordedLimits } from '../facts/facts.ts';
import { STATE } from './first-seen.ts';

export const LIMITS = 'limits';

/** What the detector recorded at its last look; null before its first. @throws NightliftError when the record is damaged. */
export async function readLimits(
  { cluster, settings: { namespace } }: Pick<Deps, 'cluster' | 'settings'>,
  signal: AbortSignal,
): Promise<RecordedLimits | null> {
  const text = (await cluster.configMap(namespace, STATE, signal))?.[LIMITS];
  if (text === undefined) return null;
  try {
    return RecordedLimits.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : 'it is not JSON';
    throw new NightliftError('cluster', `reading ${LIMITS} of ConfigMap ${namespace}/${STATE}: ${why}`, {
      remedy: `The next look writes it anew; what changed before is not known. Somebody else may have written it: kubectl -n ${namespace} get configmap ${STATE} -o yaml`,
      cause,
    });
  }
}
