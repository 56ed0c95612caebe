import { describe, expect, it } from 'vitest';
import { exampleFacts } from '../facts/example-facts.ts';
import { surveyChecks } from '../gate/checks.ts';
import { evaluateGate } from '../gate/evaluate-gate.ts';
import { exampleOptions } from '../gate/example-options.ts';
import type { Finding } from '../gate/finding.ts';
import { known } from '../observed.ts';
import { mayStart, seenFromHere } from './from-here.ts';

const away = { known: false, why: 'no SSH key', notFromHere: true } as const;
const finding: Finding = { check: 'x', reason: 'Old', class: 'actionable', severity: 'block', message: 'x is old' };
const unknown: Finding = { ...finding, check: 'y', reason: 'Unknown', message: 'y could not be read: no SSH key' };
const asked = (facts: Parameters<typeof exampleFacts>[0], ...findings: Finding[]) =>
  seenFromHere(exampleFacts(facts), { target: '1.36.4', verdict: 'blocked', findings, notAsked: [] });

describe('what cannot be asked from here', () => {
  it('is one finding of its own, which blocks and names what was not looked at, and keeps nobody from starting', () => {
    const result = asked({ surveys: away }, unknown, { ...unknown, check: 'z' });
    expect(result.verdict).toBe('blocked');
    expect(result.findings).toEqual([
      expect.objectContaining({ reason: 'NotReachableFromHere', message: 'no SSH key; not looked at: y, z' }),
    ]);
    expect(mayStart(result)).toBe(true);
  });

  it('is what the check of the surveys says without a key', () => {
    const facts = exampleFacts({ surveys: away });
    const gate = evaluateGate(facts, '1.36.4', surveyChecks, exampleOptions());
    expect(seenFromHere(facts, gate).findings.map(({ reason }) => reason)).toEqual(['NotReachableFromHere']);
  });

  it('hides nothing that was looked at, and nothing that is unknown for another reason', () => {
    const result = asked({ surveys: away }, unknown, finding);
    expect(result.findings).toContain(finding);
    expect(mayStart(result)).toBe(false);
    const other = asked({ surveys: { known: false, why: 'no SSH key' } }, unknown);
    expect(other.findings).toEqual([unknown]);
    expect(mayStart(other)).toBe(false);
  });

  it('is only a warning where the check only warned, and nothing when no check asked for it', () => {
    expect(asked({ surveys: away }, { ...unknown, severity: 'warn' })).toMatchObject({ verdict: 'safe' });
    expect(asked({ surveys: away, alerts: known([]) }).findings).toEqual([]);
  });
});
