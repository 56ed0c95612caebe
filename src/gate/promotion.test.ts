import { describe, expect, it } from 'vitest';
import { exampleFacts, exampleNode } from '../facts/example-facts.ts';
import type { StagingFact } from '../facts/staging.ts';
import { known, type Observed, unknown } from '../observed.ts';
import { exampleOptions } from './example-options.ts';
import type { GateOptions } from './gate-options.ts';
import { promotion } from './promotion.ts';

/** As exampleFacts: 2026-11-21T06:07:00Z. */
const day = (days: number): string => new Date(Date.parse('2026-11-21T06:07:00Z') - days * 86_400_000).toISOString();
const OLD = { version: '1.36.3', from: day(30), to: day(8) };
const RAN = { version: '1.36.4', from: day(8), to: null };
const red = (days: number, fields: Partial<StagingFact['reds'][number]> = {}): StagingFact['reds'][number] => ({
  at: day(days),
  what: 'alert Down (critical) was firing',
  alert: 'Down',
  severity: 'critical',
  ...fields,
});

function judge(
  staging: Observed<StagingFact | null> | undefined,
  options: Partial<GateOptions> = {},
  fields: Parameters<typeof exampleFacts>[0] = {},
) {
  const facts = exampleFacts({ ...fields, ...(staging === undefined ? {} : { staging }) });
  const from = { promotion: { from: 'prometheus', days: 7 } } as const;
  const context = { target: '1.36.4', jump: 'patch', options: exampleOptions({ ...from, ...options }) } as const;
  return promotion.evaluate(facts, context);
}

const fact = (fields: Partial<StagingFact>): Observed<StagingFact> =>
  known({ source: 'http://p', ran: [OLD, RAN], reds: [], ...fields });

const short = (found: ReturnType<typeof judge>) => found.map(({ reason, class: of }) => `${reason} ${of}`);

describe('what staging has to have run before', () => {
  it.each<[string, Partial<StagingFact>, string[]]>([
    ['for longer than that passes', {}, []],
    ['for exactly as long passes', { ran: [{ ...RAN, from: day(7) }] }, []],
    ['for less waits', { ran: [{ ...RAN, from: day(6.99) }] }, ['NotPromoted waiting']],
    ['not yet waits', { ran: [{ ...OLD, to: null }] }, ['NotPromoted waiting']],
    [
      'long enough before it went on passes',
      {
        ran: [
          { ...RAN, to: day(1) },
          { version: '1.36.5', from: day(1), to: null },
        ],
      },
      [],
    ],
    [
      'not long enough before it went on is somebody’s to decide',
      {
        ran: [
          { ...RAN, to: day(3) },
          { version: '1.36.5', from: day(3), to: null },
        ],
      },
      ['NotPromoted actionable'],
    ],
    [
      'never, as it was passed over, is somebody’s to decide',
      { ran: [OLD, { version: '1.36.5', from: day(8), to: null }] },
      ['NotPromoted actionable'],
    ],
    [
      'and has left for an older one refuses, however long it ran',
      {
        ran: [
          { ...RAN, from: day(20), to: day(2) },
          { version: '1.36.3', from: day(2), to: null },
        ],
      },
      ['StagingWentBack actionable'],
    ],
    [
      'a newer one than the target, and has left for an older one than that',
      {
        ran: [
          { version: '1.37.0', from: day(9), to: day(2) },
          { version: '1.36.3', from: day(2), to: null },
        ],
      },
      ['StagingWentBack actionable'],
    ],
    ['with something red in it counts from there', { reds: [red(3)] }, ['StagingRed actionable']],
    ['with something red long enough ago passes', { ran: [{ ...RAN, from: day(20) }], reds: [red(10), red(8)] }, []],
    ['with something red before it passes', { reds: [red(9)] }, []],
    [
      'with a run that failed refuses',
      { reds: [red(3, { alert: null, what: 'run x failed' })] },
      ['StagingRed actionable'],
    ],
    ['with a warning passes', { reds: [red(3, { severity: 'warning' })] }, []],
    [
      'with a failed Job of its chain refuses, which is a warning',
      { reds: [red(3, { alert: 'K8sUpgradeChainJobFailed', severity: 'warning' })] },
      ['StagingRed actionable'],
    ],
    ['with what always fires passes', { reds: [red(0, { alert: 'Watchdog' })] }, []],
    ['is not known now', { ran: [{ ...RAN, to: day(1) }] }, ['Unknown actionable']],
    ['is not known at all', { ran: [] }, ['Unknown actionable']],
    [
      'since a time that has not come: a clock is wrong',
      { ran: [{ ...RAN, from: day(-400) }] },
      ['Unknown actionable'],
    ],
  ])('%s', (_title, fields, expected) => {
    expect(short(judge(fact(fields)))).toEqual(expected);
  });

  it('names how long it has been and until when, what was red, and where it was asked', () => {
    expect(judge(fact({ ran: [{ ...RAN, from: day(2) }] }))[0]?.message).toBe(
      `staging has run 1.36.4 for 2 d of 7 d: until ${day(-5)} (http://p)`,
    );
    expect(judge(fact({ reds: [red(4), red(3), red(5)] }))[0]?.message).toBe(
      `staging was red while it ran 1.36.4: alert Down (critical) was firing, at ${day(3)} (http://p); 7 days are counted from there`,
    );
  });

  it('leaves out alerts that are ignored', () => {
    const alerts = { ...exampleOptions().alerts, ignore: ['Do.*'] };
    expect(judge(fact({ reds: [red(3)] }), { alerts })).toEqual([]);
  });

  it.each<[string, Observed<StagingFact | null> | undefined]>([
    ['could not be asked', unknown('HTTP 503')],
    ['was not asked by an older version', undefined],
    ['is said to be none', known(null)],
  ])('blocks when it %s', (_title, staging) => {
    expect(short(judge(staging))).toEqual(['Unknown actionable']);
  });

  it('is no matter of a cluster without staging', () => {
    expect(judge(unknown('x'), { promotion: { from: 'nowhere', days: 7 } })).toEqual([]);
  });

  it('does not leave a run half-way that has begun', () => {
    const nodes = known([exampleNode('cp-1', { kubelet: '1.36.4' }), exampleNode('worker-1')]);
    expect(judge(fact({ reds: [red(3)] }), {}, { nodes }).map(({ severity }) => severity)).toEqual(['warn']);
    expect(judge(unknown('x'), {}, { nodes }).map(({ severity }) => severity)).toEqual(['warn']);
  });
});
