import { describeKillPoints } from './kill-point-night.ts';

/** All points of it are points of the minor or of HA: a sample shows that they do not get in each other's way. */
describeKillPoints({
  name: 'HA minor',
  topology: { controlPlanes: 3, version: '1.35.8' },
  foreignCordons: ['control-2'],
  every: 13,
});
