import { describe, expect, it } from 'vitest';
import { readAudit } from './run-audit.ts';

const report = (counts: object, vulnerabilities: object = {}): string =>
  JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities,
    metadata: { vulnerabilities: { info: 0, low: 0, moderate: 0, high: 0, critical: 0, total: 0, ...counts } },
  });
const found = (severity: string) => ({ zod: { name: 'zod', severity, range: '<4.7.0', via: [] } });

describe('the audit of the packages', () => {
  it.each([
    ['nothing known', report({}), 'passed', 'none known'],
    [
      'something moderate',
      report({ moderate: 1, total: 1 }, found('moderate')),
      'passed',
      '1 known, none of them high',
    ],
    ['something high', report({ high: 1, total: 1 }, found('high')), 'failed', 'zod <4.7.0: high'],
    [
      'something critical, after a warning',
      `npm warn x\n${report({ critical: 1, total: 1 }, found('critical'))}\n`,
      'failed',
      'zod <4.7.0: critical',
    ],
    ['counts without names', report({ high: 1, total: 1 }), 'failed', 'npm audit --omit=dev'],
    [
      'no such endpoint',
      '{"message":"404 Not Found","statusCode":404,"error":{"summary":"","detail":""}}',
      'not run',
      'the registry has no answer',
    ],
    ['a page', '<html>{}</html>', 'not run', 'the registry has no answer'],
    ['nothing', '', 'not run', 'the registry has no answer'],
  ])('with %s: %s', (_title, output, status, detail) => {
    expect(readAudit(output)).toEqual({ status, detail: expect.stringContaining(detail) as string });
  });
});
