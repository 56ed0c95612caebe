import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import { LastLook } from '../facts/last-look.ts';
import { STATE } from './first-seen.ts';

export const LAST_LOOK = 'last-look';

/** What the detector recorded of its last look; null before its first. @throws NightliftError when the record is damaged. */
export async function readLastLook(
  { cluster, settings: { namespace } }: Pick<Deps, 'cluster' | 'settings'>,
  signal: AbortSignal,
): Promise<LastLook | null> {
  const text = (await cluster.configMap(namespace, STATE, signal))?.[LAST_LOOK];
  if (text === undefined) return null;
  try {
    return LastLook.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : 'it is not JSON';
    throw new NightliftError('cluster', `reading ${LAST_LOOK} of ConfigMap ${namespace}/${STATE}: ${why}`, {
      remedy: 'The next look writes it anew: nightlift resume --now.',
      cause,
    });
  }
}
