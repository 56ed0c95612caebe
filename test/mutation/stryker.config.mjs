/** Run by run.ts, which says what is changed and which tests are asked. */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', './test/mutation/prose.mjs'],
  vitest: { configFile: 'test/mutation/vitest.config.ts' },
  // TypeScript 7 has no API with which it could be read, and the tests need nothing of it.
  tsconfigFile: 'none',
  coverageAnalysis: 'perTest',
  timeoutMS: 3000,
  ignorers: ['prose'],
  // A constant of a module is read once, before any test: a change to it is made once for all tests, or not at all.
  ignoreStatic: true,
  tempDirName: `.stryker-tmp/${process.pid}`,
  ignorePatterns: ['/.stryker-tmp', '/dist', '/.lab', '/docs/*.json'],
  reporters: ['clear-text', 'json'],
  jsonReporter: { fileName: 'dist/mutation.json' },
  clearTextReporter: { logTests: false, reportTests: false },
};
