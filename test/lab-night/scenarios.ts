import { patchNight } from './patch-night.ts';
import type { Scenario } from './scenario.ts';

/** In the order in which they run: neighbours share a cluster. */
export const scenarios: readonly Scenario[] = [patchNight];
