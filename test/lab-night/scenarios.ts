import { budgetNight } from './budget-night.ts';
import { downNight } from './down-night.ts';
import { gateNight } from './gate-night.ts';
import { haNight } from './ha-night.ts';
import { imageNight } from './image-night.ts';
import { killNight } from './kill-night.ts';
import { minorNight } from './minor-night.ts';
import { patchNight } from './patch-night.ts';
import type { Scenario } from './scenario.ts';

/** In the order in which they run: neighbours share a cluster, which gets a newer patch each night and at last the minor. */
export const scenarios: readonly Scenario[] = [
  patchNight,
  killNight,
  imageNight,
  budgetNight,
  downNight,
  gateNight,
  minorNight,
  haNight,
];
