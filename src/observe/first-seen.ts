import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';

/** ConfigMap in which the detector keeps what it must remember from night to night. */
export const STATE = 'k8s-upgrade-state';
export const FIRST_SEEN = 'first-seen';

const FirstSeen = z.record(z.string(), z.iso.datetime());

/** When each version was first seen, UTC. A version that is not in it is new. @throws NightliftError when the record is damaged. */
export async function readFirstSeen(
  deps: {
    readonly cluster: Pick<Deps['cluster'], 'configMap'>;
    readonly settings: Pick<Deps['settings'], 'namespace'>;
  },
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const text = (await deps.cluster.configMap(deps.settings.namespace, STATE, signal))?.[FIRST_SEEN];
  if (text === undefined) return {};
  try {
    return FirstSeen.parse(JSON.parse(text));
  } catch (cause) {
    throw new NightliftError(
      'cluster',
      `reading ${FIRST_SEEN} of ConfigMap ${deps.settings.namespace}/${STATE}: it is not a record of dates`,
      {
        remedy: `kubectl -n ${deps.settings.namespace} delete configmap ${STATE} forgets the dates; every version counts as new then.`,
        cause,
      },
    );
  }
}
