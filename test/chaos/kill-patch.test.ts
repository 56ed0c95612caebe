import { describeKillPoints } from './kill-point-night.ts';

describeKillPoints({ name: 'patch', topology: {} });
