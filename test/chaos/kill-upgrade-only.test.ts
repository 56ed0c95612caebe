import { describeKillPoints } from './kill-point-night.ts';

// The nodes' side of it is the same but for the program in front: every point is killed with NIGHTLIFT_TEST_ACCESS=upgrade-only.
describeKillPoints({ name: 'upgrade-only', topology: { workers: 1 }, access: 'upgrade-only', every: 23 });
