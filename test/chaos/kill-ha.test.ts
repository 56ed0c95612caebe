import { describeKillPoints } from './kill-point-night.ts';

describeKillPoints({ name: 'HA', topology: { controlPlanes: 3 }, foreignCordons: ['control-2'] });
