import type { Alerts } from './alerts/alerts.ts';
import type { Clock } from './clock.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { NodeShell } from './node/node-shell.ts';
import type { Notifier } from './notify/notifier.ts';
import type { ReleaseFeed } from './releases/release-feed.ts';
import type { Settings } from './settings/settings.ts';
import type { Staging } from './staging/staging.ts';

/** Texts that an operator may edit in the cluster (ConfigMaps), else the built-in ones. */
export interface Templates {
  /** templates/job.yaml */
  job(): string;
  /** templates/node/<name> */
  node(name: string): string;
}

/** All ports, as one plain object that is passed, never imported. */
export interface Deps {
  readonly cluster: Cluster;
  readonly shell: NodeShell;
  readonly alerts: Alerts;
  readonly feed: ReleaseFeed;
  readonly staging: Staging;
  readonly metrics: Metrics;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Log;
  readonly templates: Templates;
  readonly settings: Settings;
  /** Who this process is in the eyes of others: the pod, or host and process id. */
  readonly identity: string;
  /** true in a pod: Services can be reached. */
  readonly inCluster: boolean;
  /** The key for the nodes is where the settings say. */
  readonly hasNodeKey: boolean;
  /** The operator's addon matrix; undefined without one. Read when the gate is asked. @throws NightliftError (config) when it is lost. */
  addonMatrix(): unknown;
}
