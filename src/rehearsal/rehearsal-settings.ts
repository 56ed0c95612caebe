import { stringify } from 'yaml';
import type { Pace } from './pace.ts';

export interface Endpoints {
  readonly feed: { readonly baseUrl: string; readonly redirectHost: string };
  readonly prometheusUrl: string;
  readonly pushgatewayUrl: string;
  readonly ssh: { readonly user: string; readonly port: number };
}

export type SettingsChanges = Readonly<Record<string, unknown>>;

/** The settings file of a rehearsal: its own addresses and pace, everything else as it is by default. */
export function rehearsalSettings(endpoints: Endpoints, pace: Pace, changes: SettingsChanges = {}): string {
  const settings = {
    packages: { baseUrl: endpoints.feed.baseUrl, redirectHosts: [endpoints.feed.redirectHost] },
    ssh: endpoints.ssh,
    alerts: { prometheusUrl: endpoints.prometheusUrl },
    pushgatewayUrl: endpoints.pushgatewayUrl,
    waits: pace.waits,
  };
  return stringify(merged(settings, changes));
}

function merged(base: SettingsChanges, over: SettingsChanges): SettingsChanges {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = result[key];
    result[key] = isGroup(before) && isGroup(value) ? merged(before, value) : value;
  }
  return result;
}

function isGroup(value: unknown): value is SettingsChanges {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
