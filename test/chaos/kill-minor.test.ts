import { describeKillPoints } from './kill-point-night.ts';

describeKillPoints({ name: 'minor', topology: { version: '1.35.8' } });
