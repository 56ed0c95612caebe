import type { Lab } from '../lab/lab-state.ts';
import type { ClusterApi } from './cluster-api.ts';
import type { PodLogs } from './pod-logs.ts';

/** What a scenario works with: a cluster with the product installed, and its witnesses. */
export interface Scene {
  readonly lab: Lab;
  readonly api: ClusterApi;
  readonly logs: PodLogs;
  readonly startedAt: number;
  log(line: string): void;
}
