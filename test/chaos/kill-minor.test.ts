import { describeKillPoints } from './kill-point-night.ts';

// What a patch has as well is killed at every point in its night.
describeKillPoints({ name: 'minor', topology: { version: '1.35.8' }, every: 5 });
