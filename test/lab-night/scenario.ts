import type { Wanted } from './provide-scene.ts';
import type { Scene } from './scene.ts';
import type { NodeShares, Shares } from './shares.ts';

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Part of `--ci`. */
  readonly ci: boolean;
  readonly cluster: Wanted;
  run(scene: Scene): Promise<ScenarioResult>;
}

export interface ScenarioResult {
  /** What was reached, in a word. */
  readonly summary: string;
  readonly shares?: Shares;
  readonly nodes?: readonly NodeShares[];
}
