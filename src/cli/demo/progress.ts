import type { EmbeddedCluster } from '../../rehearsal/embedded-cluster.ts';

/** What is shown while the night goes on. */
export interface Progress {
  tick(cluster: EmbeddedCluster): void;
  event(what: string): void;
  /** The terminal is as it was. */
  end(): void;
}
