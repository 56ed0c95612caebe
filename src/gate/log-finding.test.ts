import { describe, expect, it } from 'vitest';
import { exampleWorld } from '../../test/support/example-deps.ts';
import type { Finding } from './finding.ts';
import { logFinding } from './log-finding.ts';

const FINDING: Finding = {
  check: 'x',
  reason: 'X',
  class: 'waiting',
  severity: 'block',
  message: 'it is so',
  remedy: 'wait',
};

describe('the line of a finding in the log', () => {
  it.each([
    ['block', 'error'],
    ['warn', 'warn'],
  ] as const)('has its fields, and for the severity %s the level %s', (severity, level) => {
    const { deps, seen } = exampleWorld();
    logFinding(deps.log, { ...FINDING, severity });
    const fields = { check: 'x', reason: 'X', class: 'waiting', severity, remedy: 'wait' };
    expect(seen.log).toEqual([{ level, message: 'it is so', fields }]);
  });
});
