import { describeKillPoints } from './kill-point-night.ts';

// What one control plane has as well is killed at every point in the night of a patch.
describeKillPoints({ name: 'HA', topology: { controlPlanes: 3 }, foreignCordons: ['control-2'], every: 3 });
