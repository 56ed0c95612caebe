import { z } from 'zod';
import type { CheckResult } from './check-result.ts';
import { runCommand } from './run-command.ts';

const Report = z.object({
  metadata: z.object({ vulnerabilities: z.object({ high: z.number(), critical: z.number(), total: z.number() }) }),
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string().default('') })),
});

/** Known vulnerabilities of what the bundle is made of. Asks the registry, so it runs in CI, where `CI` is set. */
export async function audit(): Promise<CheckResult> {
  if ((process.env['CI'] ?? '') === '')
    return { status: 'not run', detail: 'it asks the registry, which only CI does (CI=true npm test -- --only audit)' };
  const patience = ['--fetch-retries=0', '--fetch-timeout=20000'];
  const { output } = await runCommand('npm', ['audit', '--omit=dev', '--json', ...patience]);
  return readAudit(output);
}

/** What `npm audit --json` said. A registry that has no answer says nothing about the packages. */
export function readAudit(output: string): CheckResult {
  const report = Report.safeParse(jsonIn(output));
  if (!report.success) return { status: 'not run', detail: 'the registry has no answer to npm audit' };
  const { vulnerabilities, metadata } = report.data;
  const grave = Object.entries(vulnerabilities).filter(([, { severity }]) => /^(high|critical)$/.test(severity));
  const { high, critical, total } = metadata.vulnerabilities;
  if (grave.length === 0 && high + critical === 0)
    return { status: 'passed', detail: total === 0 ? 'none known' : `${total} known, none of them high or critical` };
  const named = grave.map(([name, { severity, range }]) => `${name} ${range}: ${severity}`);
  return {
    status: 'failed',
    detail: [...named, 'npm audit --omit=dev has the details; npm audit fix what is fixed'].join('\n'),
  };
}

/** npm may say a word on stderr before it. */
function jsonIn(output: string): unknown {
  try {
    return JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1));
  } catch {
    return undefined;
  }
}
