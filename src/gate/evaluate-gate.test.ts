import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NightliftError } from '../errors.ts';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { Facts } from '../facts/facts.ts';
import { known, notAsked, unknown } from '../observed.ts';
import type { Check, GateContext } from './check.ts';
import { type Asker, canAsk, gateChecks, partsFor, preflightChecks, surveyChecks } from './checks.ts';
import { evaluateGate, verdictOf } from './evaluate-gate.ts';
import { exampleOptions } from './example-options.ts';
import type { Finding } from './finding.ts';

const all = [...gateChecks, ...preflightChecks];
const withSurvey = [...all, ...surveyChecks];

function finding(fields: Partial<Finding>): Finding {
  return { check: 'x', reason: 'X', class: 'actionable', severity: 'block', message: 'm', ...fields };
}

describe('the verdict', () => {
  it('is safe without blocking findings', () => {
    expect(verdictOf([])).toBe('safe');
    expect(verdictOf([finding({ severity: 'warn', class: 'waiting' })])).toBe('safe');
  });

  it('is blocked when everything can be acted on', () => {
    expect(verdictOf([finding({}), finding({})])).toBe('blocked');
  });

  it('I19 is held when an upstream release or a pin is in the way', () => {
    expect(verdictOf([finding({ class: 'waiting' })])).toBe('held');
    expect(verdictOf([finding({ class: 'pinned' })])).toBe('held');
  });

  it('D12 is held with the actionable findings kept beside the waiting ones', () => {
    const both: Check = { name: 'both', reads: [], evaluate: () => [finding({ class: 'waiting' }), finding({})] };
    const result = evaluateGate(exampleFacts(), '1.37.1', [both], exampleOptions());
    expect(result.verdict).toBe('held');
    expect(result.findings.map((one) => one.class)).toEqual(['waiting', 'actionable']);
  });
});

describe('evaluateGate', () => {
  it('lets a healthy cluster through, with all checks', () => {
    for (const target of ['1.36.4', '1.37.1']) {
      expect(evaluateGate(exampleFacts(), target, all, exampleOptions())).toEqual({
        target,
        verdict: 'safe',
        findings: [],
        notAsked: [],
      });
    }
  });

  it('turns a check that throws into a blocking finding and runs the others', () => {
    const broken: Check = {
      name: 'broken',
      reads: [],
      evaluate() {
        throw new Error('boom');
      },
    };
    const other: Check = { name: 'other', reads: [], evaluate: () => [finding({ check: 'other' })] };
    const result = evaluateGate(exampleFacts(), '1.36.4', [broken, other], exampleOptions());
    expect(result.verdict).toBe('blocked');
    expect(result.findings.map((one) => one.check)).toEqual(['broken', 'other']);
    expect(result.findings[0]?.message).toBe('evaluating the check broken for 1.36.4: boom');
  });

  it('gives every finding of a bad night a message, a remedy and a CamelCase reason', () => {
    const facts = exampleFacts({
      nodes: known([
        exampleNode('cp-1'),
        exampleNode('worker-1', {
          ready: 'no',
          internalIp: null,
          diskPressure: true,
          containerRuntime: 'containerd://1.5.9',
          readySince: null,
        }),
      ]),
      alerts: unknown('connection refused'),
      deprecatedApis: unknown('connection refused'),
      workloads: known([
        { kind: 'DaemonSet', namespace: 'kube-system', name: 'calico-node', images: ['calico/node:v3.29.1'] },
      ]),
      permissions: known([{ verb: 'get', group: 'apps', resource: 'daemonsets', namespace: '', allowed: false }]),
    });
    const { findings } = evaluateGate(facts, '1.37.1', all, exampleOptions());
    expect(new Set(findings.map((one) => one.check)).size).toBeGreaterThanOrEqual(7);
    for (const one of findings) {
      expect(one.reason).toMatch(/^[A-Z][A-Za-z]+$/);
      expect(one.message).not.toBe('');
      expect(one.remedy ?? '').not.toBe('');
      expect(all.map((check) => check.name)).toContain(one.check);
    }
  });
});

describe('a check', () => {
  const throwing = (error: unknown): Check => ({
    name: 'broken',
    reads: [],
    evaluate() {
      throw error;
    },
  });
  const FAULT = 'This is a fault of Nightlift: report it with the output of `nightlift facts`.';
  it.each<[string, unknown, string]>([
    ['of a foreseen error', new NightliftError('config', 'boom', { remedy: 'Mend it.' }), 'Mend it.'],
    ['of a foreseen error that has none', new NightliftError('config', 'boom'), FAULT],
    ['of an error that nobody foresaw', Object.assign(new Error('boom'), { remedy: 'Mend it.' }), FAULT],
    ['of something that is no error', 'boom', FAULT],
  ])('that throws gives the remedy %s', (_title, error, remedy) => {
    expect(evaluateGate(exampleFacts(), '1.36.4', [throwing(error)], exampleOptions()).findings).toEqual([
      {
        check: 'broken',
        reason: 'CheckFailed',
        class: 'actionable',
        severity: 'block',
        message: 'evaluating the check broken for 1.36.4: boom',
        remedy,
      },
    ]);
  });

  it.each<[string, Partial<Facts>, string, GateContext['jump']]>([
    ['none to what runs', {}, '1.36.3', 'none'],
    ['a patch inside the minor', {}, '1.36.4', 'patch'],
    ['a minor to the next one', {}, '1.37.0', 'minor'],
    ['a patch to an older one of the minor, which another check refuses', {}, '1.36.1', 'patch'],
    ['the stricter of the two to an older minor, which another check refuses', {}, '1.35.9', 'minor'],
    ['the stricter of the two to another major, which another check refuses', {}, '2.0.0', 'minor'],
    ['the stricter of the two to the same minor of another major', {}, '2.36.4', 'minor'],
    [
      'I05 counted from the oldest kubelet',
      { apiServer: known('1.37.1'), nodes: known([exampleNode('cp-1', { kubelet: '1.37.1' }), exampleNode('w1')]) },
      '1.37.1',
      'minor',
    ],
    ['unknown without the nodes', { nodes: unknown('forbidden') }, '1.36.3', 'unknown'],
  ])('is told what jump it is: %s', (_title, facts, target, jump) => {
    const contexts: GateContext[] = [];
    const probe: Check = {
      name: 'probe',
      reads: [],
      evaluate(_, context) {
        contexts.push(context);
        return [];
      },
    };
    const options = exampleOptions();
    evaluateGate(exampleFacts(facts), target, [probe], options);
    expect(contexts).toEqual([{ target, jump, options }]);
  });
});

describe('a check that whoever asks cannot ask', () => {
  const never: Check = {
    name: 'never',
    reads: ['nodes', 'alerts'],
    evaluate: () => [finding({ check: 'never' })],
  };
  const ask = (facts: Partial<Facts>) => evaluateGate(exampleFacts(facts), '1.36.4', [never], exampleOptions());

  it('is named with what it needs, and neither blocks nor counts as passed', () => {
    expect(ask({ alerts: notAsked() })).toEqual({
      target: '1.36.4',
      verdict: 'safe',
      findings: [],
      notAsked: [{ check: 'never', missing: ['alerts'] }],
    });
  });

  it('is no check of what was asked and could not be read, which blocks', () => {
    expect(ask({ alerts: unknown('away') })).toMatchObject({ verdict: 'blocked', notAsked: [] });
  });

  it('is named beside what it can say when an older version has written the facts', () => {
    const facts = exampleFacts();
    delete facts.surveys;
    const older = evaluateGate(facts, '1.36.4', [{ ...never, reads: ['surveys'] }], exampleOptions());
    expect(older).toMatchObject({ verdict: 'blocked', notAsked: [{ check: 'never', missing: ['surveys'] }] });
  });

  it.each<[Asker, string[]]>([
    ['detector', ['permissions', 'budgets', 'kubeadm-api']],
    ['report', ['permissions', 'budgets', 'kubeadm-api', 'node-survey', 'leftovers']],
    ['person', ['permissions']],
    ['person without a key', ['permissions', 'node-survey', 'leftovers']],
  ])('is one of few for a %s, who asks all the others', (asker, names) => {
    const asked = canAsk(asker, partsFor(withSurvey));
    const facts = exampleFacts();
    const part = Object.fromEntries(
      partsFor(withSurvey).map((name) => [name, asked.includes(name) ? facts[name] : notAsked()]),
    );
    const missing = evaluateGate({ ...facts, ...part }, '1.36.4', withSurvey, exampleOptions()).notAsked;
    const ofNodes = new Set(surveyChecks.slice(1, -1).map(({ name }) => name));
    const named = missing.map(({ check }) => check).filter((check) => !ofNodes.has(check));
    expect(named.toSorted()).toEqual(names.toSorted());
  });
});

const UNKNOWABLE = ['apiServer', 'nodes', 'workloads', 'deprecatedApis', 'alerts', 'permissions', 'budgets'] as const;

describe('what is not known', () => {
  it('D01 D09 D10 never yields safe, whichever part of the facts it is', () => {
    const options = { ...exampleOptions(), budgets: { severity: 'block' as const, policies: [] } };
    fc.assert(
      fc.property(fc.subarray([...UNKNOWABLE], { minLength: 1 }), (parts) => {
        const facts: Facts = {
          ...exampleFacts(),
          ...Object.fromEntries(parts.map((part) => [part, unknown('it did not answer')])),
        };
        expect(evaluateGate(facts, '1.37.1', all, options).verdict).toBe('blocked');
      }),
    );
  });
});

const BLOCKERS: readonly Partial<Facts>[] = [
  {
    alerts: known([
      { name: 'NodeDown', severity: 'critical', state: 'firing', activeSince: null, summary: '', labels: {} },
    ]),
  },
  {
    deprecatedApis: known([
      { group: 'policy', version: 'v1beta1', resource: 'poddisruptionbudgets', removedRelease: '1.37' },
    ]),
  },
  {
    workloads: known([
      { kind: 'DaemonSet', namespace: 'kube-system', name: 'calico-node', images: ['calico/node:v3.29.1'] },
    ]),
  },
  {
    workloads: known([
      { kind: 'DaemonSet', namespace: 'kube-system', name: 'kured', images: ['kubereboot/kured:1.22.0'] },
    ]),
  },
  { nodes: known([exampleNode('cp-1'), exampleNode('worker-1', { ready: 'unknown' })]) },
  { nodes: known([exampleNode('cp-1'), exampleNode('worker-1', { containerRuntime: 'containerd://1.4.0' })]) },
  { nodes: known([exampleNode('cp-1'), exampleNode('worker-1', { readySince: '2026-11-21T06:06:00Z' })]) },
  { permissions: known([{ verb: 'get', group: '', resource: 'pods/log', namespace: 'default', allowed: false }]) },
];

describe('a fact that blocks', () => {
  it('never turns blocked or held into safe, whatever comes with it', () => {
    fc.assert(
      fc.property(fc.subarray([...BLOCKERS], { minLength: 1 }), fc.constantFrom(...BLOCKERS), (some, one) => {
        const before = exampleFacts(Object.assign({}, ...some) as Partial<Facts>);
        expect(evaluateGate(before, '1.37.1', all, exampleOptions()).verdict).not.toBe('safe');
        const after = { ...before, ...one };
        expect(evaluateGate(after, '1.37.1', all, exampleOptions()).verdict).not.toBe('safe');
      }),
    );
  });
});
