import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { NightliftError } from '../errors.ts';
import { STATE } from './first-seen.ts';

/** Where the records are read: all of them are in one object. */
export interface FromState {
  readonly cluster: Pick<Deps['cluster'], 'configMap'>;
  readonly settings: Pick<Deps['settings'], 'namespace'>;
}

/** For several records: the object is asked for once. */
export function readOnce({ cluster, settings }: FromState): FromState {
  let read: ReturnType<typeof cluster.configMap> | undefined;
  return { settings, cluster: { configMap: (...asked) => (read ??= cluster.configMap(...asked)) } };
}

/** A record of the detector in its ConfigMap; null where there is none yet. @throws NightliftError (cluster) when it is damaged. */
export async function readStateRecord<T>(
  { cluster, settings: { namespace } }: FromState,
  key: string,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T | null> {
  const text = (await cluster.configMap(namespace, STATE, signal))?.[key];
  if (text === undefined) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : 'it is not JSON';
    throw new NightliftError('cluster', `reading ${key} of ConfigMap ${namespace}/${STATE}: ${why}`, {
      remedy: `The next look writes it anew; what changed before is not known. Somebody else may have written it: kubectl -n ${namespace} get configmap ${STATE} -o yaml`,
      cause,
    });
  }
}
