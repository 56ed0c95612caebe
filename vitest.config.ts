import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/lab/**', 'test/lab-night/**', 'node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: the embedded cluster starts real processes, more workers only fight for them.
    maxWorkers: 2,
    // Real processes on a machine that others use too: CI tries a failed test once more, a person sees it at once.
    retry: process.env['CI'] === undefined ? 0 : 1,
  },
});
