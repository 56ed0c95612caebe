import { defineConfig } from 'vitest/config';

/** The tests of the deciders: no embedded cluster, no process, under a minute together. */
export default defineConfig({
  test: {
    include: ['src/{chain,cluster,detect,facts,gate,observe,phases,report,settings,steps}/**/*.test.ts'],
    exclude: ['src/cluster/kube-*.test.ts', 'src/steps/drain/{drain,headroom}.test.ts'],
    testTimeout: 10_000,
  },
});
