import { describeKillPoints } from './kill-point-night.ts';

describeKillPoints({ name: 'one node', topology: { workers: 0 }, withoutDrain: true });
