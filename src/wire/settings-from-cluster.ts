import type { Deps } from '../deps.ts';
import type { SettingsText } from '../environment.ts';
import { NightliftError } from '../errors.ts';
import { ALL_DEFAULTS, CONFIG_KEY, CONFIG_MAP } from '../settings/parse-settings.ts';
import { type Wiring } from './wiring.ts';

export interface ClusterSettings extends SettingsText {
  /** All keys of the ConfigMap: pods see them as files in /config. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * A person's command uses the settings that the cluster's Jobs use. Only a look may be had without them, at a cluster
 * into which Nightlift is not installed. @throws NightliftError (config) when they are lost.
 */
export async function settingsFromCluster(
  cluster: Pick<Deps['cluster'], 'configMap'>,
  namespace: string,
  wiring: Pick<Wiring, 'settings' | 'log' | 'signal'>,
): Promise<ClusterSettings> {
  const configMap = `${namespace}/${CONFIG_MAP}`;
  const files = await cluster.configMap(namespace, CONFIG_MAP, wiring.signal);
  const what = `ConfigMap ${configMap}, key ${CONFIG_KEY}`;
  if (files === undefined && wiring.settings === 'where installed') {
    wiring.log.warn('there is no settings ConfigMap in the cluster: the defaults are used', { configMap });
    return { text: '{}', what, files: {} };
  }
  const text = files?.[CONFIG_KEY];
  if (files === undefined || text === undefined) {
    const others = Object.keys(files ?? {}).toSorted();
    const why =
      files === undefined
        ? 'there is no such ConfigMap'
        : `it has no such key, but ${others.join(', ') || 'none at all'}`;
    throw new NightliftError('config', `reading the settings in ${what}: ${why}`, {
      remedy: `Put it back (kubectl apply -k deploy, or terraform apply), give a file with --config, or name Nightlift's namespace with --namespace. ${ALL_DEFAULTS}`,
    });
  }
  return { text, what, files };
}
