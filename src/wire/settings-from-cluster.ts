import type { Deps } from '../deps.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import type { Settings } from '../settings/settings.ts';
import { type Wiring } from './wiring.ts';

const CONFIG_MAP = 'k8s-upgrade-config';
const CONFIG_KEY = 'config.yaml';

/** A person's command uses the settings that the cluster's Jobs use. */
export async function settingsFromCluster(
  cluster: Deps['cluster'],
  namespace: string,
  wiring: Wiring,
): Promise<Settings> {
  const text = (await cluster.configMap(namespace, CONFIG_MAP, wiring.signal))?.[CONFIG_KEY];
  if (text === undefined)
    wiring.log.warn('there is no settings ConfigMap in the cluster: the defaults are used', {
      configMap: `${namespace}/${CONFIG_MAP}`,
    });
  return parseSettings(text ?? '', `ConfigMap ${namespace}/${CONFIG_MAP}, key ${CONFIG_KEY}`);
}
