/**
 * Small changes to what decides, one at a time; each should be noticed by a test. `npm run test:mutation`, or
 * `npm run test:mutation -- --mutate 'src/gate/**\/*.ts'` for a part.
 */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', './test/mutation/prose.mjs'],
  vitest: { configFile: 'test/mutation/vitest.config.ts' },
  // TypeScript 7 has no API with which it could be read, and the tests need nothing of it.
  tsconfigFile: 'none',
  coverageAnalysis: 'perTest',
  timeoutMS: 3000,
  mutate: [
    'src/{chain,detect,gate,phases,report,steps}/**/*.ts',
    'src/facts/{nodes,running-versions}.ts',
    'src/cluster/{label-selector,node-admits,pod-in-drain}.ts',
    'src/settings/drain-policy.ts',
    '!src/**/*.test.ts',
    '!src/**/example-*.ts',
  ],
  ignorers: ['prose'],
  // A constant of a module is read once, before any test: a change to it is made once for all tests, or not at all.
  ignoreStatic: true,
  tempDirName: `.stryker-tmp/${process.pid}`,
  ignorePatterns: ['/.stryker-tmp', '/dist', '/.lab', '/docs/*.json'],
  reporters: ['clear-text', 'json'],
  jsonReporter: { fileName: 'dist/mutation.json' },
  clearTextReporter: { logTests: false, reportTests: false },
};
