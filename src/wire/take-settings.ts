import { isUnavailable } from '../cluster/kube-error.ts';
import type { SettingsText } from '../environment.ts';
import { NightliftError } from '../errors.ts';
import { parseSettingsFile, salvageSettings } from '../settings/parse-settings.ts';
import type { Settings } from '../settings/settings.ts';
import type { Wiring } from './wiring.ts';

/**
 * Reads and understands the settings. A command that does without them goes on with what can be read, and says so: the
 * kill switch must work on the day on which the settings are broken. @throws NightliftError (config) for all others.
 */
export async function takeSettings(
  { settings, log }: Pick<Wiring, 'settings' | 'log'>,
  read: () => Promise<SettingsText>,
): Promise<Settings> {
  let text = '';
  try {
    const source = await read();
    ({ text } = source);
    return parseSettingsFile(source.text, source.what);
  } catch (error) {
    if (settings !== 'spared' || !(error instanceof NightliftError) || isUnavailable(error)) throw error;
    const rest = salvageSettings(text);
    log.warn(
      'the settings cannot be read; this command goes on with these two, and --namespace comes before the first',
      {
        namespace: rest.namespace,
        annotationPrefix: rest.annotationPrefix,
        error: error.message,
      },
    );
    return rest;
  }
}
