import { defineConfig } from 'vitest/config';

/** The tests of one room's deciders: no embedded cluster, no process. */
const room = process.env['NIGHTLIFT_MUTATION_ROOM'] ?? '*';

export default defineConfig({
  test: {
    include: [`src/${room}/**/*.test.ts`],
    exclude: [
      'src/{cli,docs,install,node,rehearsal}/**',
      'src/cluster/kube-*',
      'src/steps/drain/{drain,headroom}.test.ts',
    ],
    testTimeout: 10_000,
  },
});
