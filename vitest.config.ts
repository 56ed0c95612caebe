import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes minutes begins first, so that no core waits for it at the end. */
const LONGEST = [/\/chaos\/kill-/, /\/chaos\/faults-/, /\/test\/(rehearsal|control-plane)\//];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.findIndex((pattern) => pattern.test(moduleId));
      return index < 0 ? LONGEST.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/lab/**', 'test/lab-night/**', 'node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores, and more than a quarter of a night is waiting.
    maxWorkers: 4,
    // Nights make objects by the million that are gone a moment later: fewer, larger collections.
    execArgv: ['--max-semi-space-size=64'],
    sequence: { sequencer: LongestFirst },
    // Real processes on a machine that others use too: CI tries a failed test once more, a person sees it at once.
    retry: process.env['CI'] === undefined ? 0 : 1,
  },
});
