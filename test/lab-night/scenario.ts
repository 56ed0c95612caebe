import type { Wanted } from './provide-scene.ts';
import type { Scene } from './scene.ts';
import type { NodeShares, Shares } from './shares.ts';

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Part of `--ci`. */
  readonly ci: boolean;
  /** About how long it takes, with its share of making clusters: what the lanes are balanced by. */
  readonly seconds: number;
  /** It is a measure: nothing else may run on the machine meanwhile. */
  readonly alone?: true;
  readonly cluster: Wanted;
  run(scene: Scene): Promise<ScenarioResult>;
}

export interface ScenarioResult {
  /** What was reached, in a word. */
  readonly summary: string;
  readonly shares?: Shares;
  readonly nodes?: readonly NodeShares[];
}
