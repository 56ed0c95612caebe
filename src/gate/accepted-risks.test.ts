import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exampleFacts } from '../facts/example-facts.ts';
import { unknown } from '../observed.ts';
import type { AcceptedRisk } from '../settings/accepted-risk.ts';
import { parseSettings } from '../settings/parse-settings.ts';
import { neverWhy, riskOf, withAccepted } from './accepted-risks.ts';
import { gateChecks, preflightChecks, surveyChecks } from './checks.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import type { Finding } from './finding.ts';

const CHECKS = [...gateChecks, ...surveyChecks, ...preflightChecks];

const TARGET = '1.37.1';
const NOW = new Date('2026-11-20T23:00:00Z');

const finding = (fields: Partial<Finding> = {}): Finding => ({
  check: 'addon-compat',
  reason: 'AddonTooOld',
  class: 'actionable',
  severity: 'block',
  subject: 'calico 3.29.1',
  message: 'calico 3.29.1 supports up to 1.36',
  ...fields,
});
const risk = (fields: Partial<AcceptedRisk> = {}): AcceptedRisk => ({
  ...riskOf(finding(), TARGET, NOW),
  why: 'tried in staging',
  by: 'the platform team',
  ...fields,
});
const judged = (one: Finding, ...risks: AcceptedRisk[]): readonly Finding[] =>
  withAccepted([one], risks, { target: TARGET, now: NOW, asked: ['addon-compat'] });

describe('a risk that is accepted', () => {
  it('warns, with who, why and until when', () => {
    expect(judged(finding(), risk())).toEqual([
      finding({
        severity: 'warn',
        message: 'calico 3.29.1 supports up to 1.36 (accepted until 2026-12-04 by the platform team: tried in staging)',
      }),
    ]);
  });

  it.each([
    ['another check', { check: 'etcd-state' }],
    ['another reason', { reason: 'AddonWaiting' }],
    ['another subject', { subject: 'calico 3.29.2' }],
    ['a part of the subject', { subject: 'calico' }],
    ['another target', { target: '1.37.2' }],
  ])('is no other one: %s', (_title, fields) => {
    expect(judged(finding(), risk(fields))[0]).toEqual(finding());
  });

  it.each([
    ['2026-11-22', 'warn'],
    ['2026-11-21', 'warn'],
    ['2026-11-20', 'block'],
    ['2026-11-01', 'block'],
  ])('until %s, on the evening of 2026-11-20: %s', (until, severity) => {
    expect(judged(finding(), risk({ until }))[0]?.severity).toBe(severity);
  });

  it('refuses again when it is over, and says so; a newer entry counts', () => {
    const old = risk({ until: '2026-11-01' });
    expect(judged(finding(), old)[0]?.message).toContain('(was accepted until 2026-11-01 by the platform team');
    expect(judged(finding(), old, risk())[0]?.severity).toBe('warn');
  });

  it('is its own words where it has no subject', () => {
    const { subject: _, ...bare } = finding();
    const own = { ...riskOf(bare, TARGET, NOW), why: 'x' };
    expect(own.subject).toBe(bare.message);
    expect(judged(bare, own)[0]?.severity).toBe('warn');
    expect(judged({ ...bare, message: 'calico 3.29.1 supports up to 1.35' }, own)[0]?.severity).toBe('block');
  });

  it('that accepts nothing is told, when its check was asked and for this target', () => {
    const unused = { subject: 'cilium 1.18.0' };
    expect(judged(finding(), risk(unused))[1]).toMatchObject({ reason: 'RiskNotFound', severity: 'warn' });
    expect(judged(finding(), risk({ ...unused, target: '1.38.1' }))).toHaveLength(1);
    expect(judged(finding(), risk({ ...unused, check: 'budgets' }))).toHaveLength(1);
    // What only warns needs no acceptance, and is no mistake.
    expect(judged(finding({ severity: 'warn' }), risk())).toEqual([finding({ severity: 'warn' })]);
  });
});

describe('what cannot be accepted', () => {
  it.each([
    finding({ check: 'version-skew' }),
    finding({ check: 'etcd-state' }),
    finding({ check: 'permissions' }),
    finding({ reason: 'CheckFailed' }),
    finding({ class: 'pinned' }),
  ])('$check $reason $class refuses, and says why', (one) => {
    const [answer] = judged(one, { ...riskOf(one, TARGET, NOW), why: 'x' });
    expect(answer?.severity).toBe('block');
    expect(answer?.message).toContain(`(it cannot be accepted: ${neverWhy(one) ?? '?'})`);
  });

  it('names checks that there are', () => {
    const never = CHECKS.filter(({ name }) => neverWhy(finding({ check: name })) !== undefined);
    expect(never).toHaveLength(11);
  });
});

describe('the gate', () => {
  const facts = exampleFacts({ observedAt: NOW.toISOString(), workloads: unknown('403 Forbidden') });
  const asked = (risks: readonly AcceptedRisk[]) =>
    evaluateGate(facts, TARGET, CHECKS, exampleOptions({ acceptedRisks: [...risks] }));

  it('is safe when all that refuses is accepted as it was offered, and the settings take what is printed', () => {
    const before = asked([]).findings.filter(({ severity }) => severity === 'block');
    expect(before.map(({ check, reason }) => `${check}: ${reason}`)).toContain('addon-compat: Unknown');
    const offered = before.map((one) => ({ ...riskOf(one, TARGET, NOW), why: 'tried' }));
    const { acceptedRisks } = parseSettings(JSON.stringify({ acceptedRisks: offered }), 'test');
    const after = asked(acceptedRisks);
    const left = after.findings.filter(({ severity }) => severity === 'block');
    expect(left.filter((one) => neverWhy(one) === undefined)).toEqual([]);
    expect(after.findings.filter(({ message }) => message.includes('(accepted until'))).not.toEqual([]);
  });

  it('takes what is unknown for one check, and for no other', () => {
    const unknownOf = (check: string) => ({ ...riskOf(finding({ check, reason: 'Unknown' }), TARGET, NOW), why: 'x' });
    const severityWith = (check: string) =>
      asked([unknownOf(check)]).findings.find((one) => one.check === 'addon-compat' && one.reason === 'Unknown')
        ?.severity;
    expect(severityWith('addon-compat')).toBe('warn');
    expect(severityWith('removed-apis')).toBe('block');
  });
});

describe('the setting', () => {
  it.each([
    ['why', '', 'say why'],
    ['until', '2026-02-30', 'give a day that exists'],
    ['target', '1.37', 'give a version in full'],
    ['subject', '', 'give the subject'],
    ['reason', 'Unknown', 'give the subject'],
  ])('refuses %s "%s"', (key, value, message) => {
    expect(() => parseSettings(JSON.stringify({ acceptedRisks: [risk({ [key]: value })] }), 'test')).toThrow(message);
  });

  it('names the key that was meant', () => {
    const text = JSON.stringify({ acceptedRisks: [{ ...parse(JSON.stringify(risk())), untill: '2026-12-01' }] });
    expect(() => parseSettings(text, 'test')).toThrow('did you mean "until"?');
  });
});
