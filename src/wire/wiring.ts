import { type Environment } from '../environment.ts';
import type { Log } from '../log.ts';

/** For logs of servers: who asks. */
export const USER_AGENT = 'nightlift';

export interface Wiring {
  readonly environment: Environment;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** For the API server's audit log: the command. */
  readonly command: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly settingsFile?: string;
  /** Files instead of those that the settings name. */
  readonly sshKey?: string;
  readonly knownHosts?: string;
  /**
   * Whether the command can do without the cluster's settings: never; while Nightlift is not installed, because it only
   * looks; or always, because it needs no more than to know where things are. Default: never.
   */
  readonly settings?: 'needed' | 'where installed' | 'spared';
  /** The chain restarts API servers under it: a Job of the chain, and a person who follows one. */
  readonly meetsNewApiServers?: boolean;
  /** Runs phases, during which the API server goes away: it is waited for as in a Job. */
  readonly runsPhases?: boolean;
}
