import { bold, type Section } from '../notify/slack-message.ts';
import type { Finding } from './finding.ts';

/** The live reasons under their headings; the two kinds of a held night are both there (D12). */
export function findingSections(findings: readonly Finding[]): readonly Section[] {
  const blocking = findings.filter((finding) => finding.severity === 'block');
  const warnings = findings.filter((finding) => finding.severity === 'warn');
  return [
    section(
      'Action needed:',
      blocking.filter((finding) => finding.class === 'actionable'),
    ),
    section(
      'Waiting on upstream:',
      blocking.filter((finding) => finding.class === 'waiting'),
    ),
    section(
      'Pinned (held by us):',
      blocking.filter((finding) => finding.class === 'pinned'),
    ),
    section('Good to know:', warnings),
  ].filter((lines) => lines.length > 0);
}

function section(title: string, findings: readonly Finding[]): Section {
  if (findings.length === 0) return [];
  return [[bold(title)], ...findings.map((finding) => `• ${sentence(finding)}`)];
}

function sentence(finding: Finding): string {
  return finding.remedy === undefined ? `${finding.message}.` : `${finding.message}. ${finding.remedy}`;
}
