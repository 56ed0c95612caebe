import type { Access } from '../../src/node/ssh-node-shell.ts';

/** What the key of these nights and faults may do; NIGHTLIFT_TEST_ACCESS=upgrade-only plays all of them with the restricted one. */
export const TEST_ACCESS: Access = process.env['NIGHTLIFT_TEST_ACCESS'] === 'upgrade-only' ? 'upgrade-only' : 'shell';
