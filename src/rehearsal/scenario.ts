import type { NodeView } from './cluster-view.ts';
import type { EmbeddedCluster } from './embedded-cluster.ts';
import type { Night } from './night.ts';
import type { NightOutcome } from './night-outcome.ts';
import type { SettingsChanges } from './rehearsal-settings.ts';
import type { ScenarioName } from './scenario-names.ts';
import type { Topology } from './topology.ts';

/** Something that happens on the way, once. */
export interface ScenarioEvent {
  /** What people read when it happens. */
  readonly what: string;
  readonly when: (cluster: EmbeddedCluster) => boolean;
  readonly act: (cluster: EmbeddedCluster) => Promise<void> | void;
}

/** How a scenario has to end. */
export interface Expectation {
  readonly outcome: NightOutcome;
  readonly target: string | null;
  /** X.Y.Z that a node has to be on. */
  readonly version: (node: NodeView) => string;
  /** Nodes that are not Ready at the end; none. */
  readonly down?: (node: NodeView) => boolean;
  /** Reasons that have to be among the refusals; without any there must be none. */
  readonly reasons?: readonly string[];
  /** What the morning's message has to say. */
  readonly report: RegExp;
  /** What else differs from how it should be. */
  readonly also?: (cluster: EmbeddedCluster, night: Night) => readonly string[];
}

/** A night with what is prepared for it and what happens to it, as data. */
export interface Scenario {
  readonly name: ScenarioName;
  /** A sentence for whoever watches. */
  readonly summary: string;
  readonly topology: Topology;
  /** Fewest workers with which it is what its name says. */
  readonly leastWorkers: number;
  /** What a person runs, instead of the detector's hour. */
  readonly command?: readonly string[];
  readonly settings?: SettingsChanges;
  readonly matrix?: string;
  readonly prepare?: (cluster: EmbeddedCluster) => void;
  readonly events?: readonly ScenarioEvent[];
  readonly expect: Expectation;
}
