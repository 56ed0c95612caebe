import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes minutes begins first, so that no core waits for it at the end. */
const LONGEST = [
  /\/chaos\/kill-(patch|every-step)/,
  /\/chaos\/kill-/,
  /\/chaos\/faults-in-(preflight|master)/,
  /\/rehearsal\/(second-night|scenarios|worth-another-try|placement|nodes\/upgrade)/,
  /\/chaos\/faults-/,
  /\/(rehearsal|control-plane|components)\//,
  /\/src\/(node\/(detached|ssh-node-shell)|steps\/drain\/drain)\.test/,
];
/** The levels of test/run-levels.ts as projects; `unit` has what no other has. Whole nights and real programs have a process for each file. */
const LEVELS = {
  chaos: ['test/chaos/{kill-patch,faults-in-check}.test.ts'],
  'long-chaos': [
    'test/chaos/{kill-!(patch),faults-in-{preflight,master,worker,postflight}}.test.ts',
    'test/rehearsal/long/*.test.ts',
  ],
  rehearsal: ['src/rehearsal/**/*.test.ts', 'test/rehearsal/*.test.ts'],
  components: ['test/components/**/*.test.ts'],
  'control-plane': ['test/control-plane/**/*.test.ts'],
};
const NEVER = ['test/lab/**', 'test/lab-night/**', 'node_modules/**'];

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
    projects: [
      ...Object.entries(LEVELS).map(([name, include]) => ({ extends: true as const, test: { name, include } })),
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{src,test}/**/*.test.ts'],
          exclude: [...NEVER, ...Object.values(LEVELS).flat()],
          // Half of what these files take is loading the program: a process that has loaded it takes the next file.
          isolate: false,
        },
      },
    ],
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
