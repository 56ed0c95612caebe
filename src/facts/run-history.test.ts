import { describe, expect, it } from 'vitest';
import { exampleNode } from './example-facts.ts';
import { kindsOf } from './inventory.ts';
import {
  newRun,
  parseRunHistory,
  type RunHistory,
  runText,
  type StepEnd,
  started,
  stepBegun,
  stepEnded,
  withInventory,
} from './run-history.ts';

const AT = '2026-11-21T23:00:00.000Z';
const LATER = '2026-11-21T23:10:00.000Z';
const empty = newRun('1.36.4', AT);
const done: StepEnd = {
  at: LATER,
  outcome: 'done',
  why: null,
  seconds: {},
  findings: [],
  messages: [],
  run: 'running',
};
const finding = {
  check: 'alerts',
  reason: 'AlertFiring',
  class: 'actionable',
  severity: 'block',
  message: 'x',
} as const;

describe('the record of a run', () => {
  it('has an id by time and target, under which it goes on', () => {
    expect(empty.id).toBe('20261121-2300-1.36.4');
    const first = started(empty, { at: AT, by: 'detector', who: 'pod-a' }, '1.36.3');
    const again = started(first, { at: LATER, by: 'person', who: 'laptop' }, '1.36.4');
    expect(again).toMatchObject({ id: empty.id, from: '1.36.3', outcome: 'running' });
    expect(again.starts.map(({ by, resumed }) => [by, resumed])).toEqual([
      ['detector', false],
      ['person', true],
    ]);
  });

  it('counts the pods that have begun a step, and keeps when the first of them did', () => {
    const twice = stepBegun(stepBegun(empty, 'preflight', AT), 'preflight', LATER);
    expect(twice.steps).toEqual([
      { step: 'preflight', startedAt: AT, endedAt: null, attempts: 2, outcome: 'running', why: null, seconds: {} },
    ]);
  });

  it.each<[string, Partial<StepEnd>, Partial<RunHistory>]>([
    ['a step that is done leaves it running', {}, { outcome: 'running', endedAt: null }],
    ['the last step completes it', { run: 'complete' }, { outcome: 'complete', endedAt: LATER }],
    ['a step after which nobody goes on ends it', { run: 'failed' }, { outcome: 'failed', endedAt: LATER }],
    ['a refusal ends it', { outcome: 'held', why: 'x', findings: [finding] }, { outcome: 'held', findings: [finding] }],
    ['a failure ends it, until the next try', { outcome: 'failed', why: 'x' }, { outcome: 'failed', endedAt: LATER }],
  ])('%s', (_title, end, expected) => {
    const run = stepEnded(stepBegun(empty, 'postflight', AT), 'postflight', { ...done, ...end });
    expect(run).toMatchObject(expected);
    expect(run.steps[0]).toMatchObject({ endedAt: LATER, outcome: end.outcome ?? 'done', why: end.why ?? null });
    expect(stepBegun(run, 'postflight', LATER)).toMatchObject({ outcome: 'running', endedAt: null });
  });

  it('takes the inventory of its own target and no other', () => {
    const kinds = kindsOf(Array.from({ length: 30 }, (_, index) => exampleNode(`worker-${index}`)));
    const inventory = (target: string) => ({ target, at: AT, kinds: [...kinds] });
    expect(withInventory(empty, { before: inventory('1.36.3'), after: null }).before).toBeNull();
    const [kind] = withInventory(empty, { before: inventory('1.36.4'), after: null }).before ?? [];
    expect([kind?.count, kind?.nodes.length]).toEqual([30, 20]);
  });

  it('fits in its object whatever was said, and keeps what was not done longest', () => {
    const long = 'ü'.repeat(5000);
    let run: RunHistory = {
      ...empty,
      findings: Array.from({ length: 100 }, () => ({ ...finding, message: long })),
      messages: Array.from({ length: 100 }, () => ({ at: AT, text: long })),
    };
    run = stepEnded(stepBegun(run, 'worker bad', AT), 'worker bad', { ...done, outcome: 'failed', why: long });
    for (let index = 0; index < 2000; index += 1)
      run = stepEnded(stepBegun(run, `worker w-${index}`, AT), `worker w-${index}`, {
        ...done,
        seconds: { drain: 42 },
      });
    const text = runText(run);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(64_000);
    const kept = parseRunHistory(text);
    expect(kept?.stepsLeftOut).toBeGreaterThan(0);
    expect(kept?.steps[0]?.step).toBe('worker bad');
    expect(kept?.steps.at(-1)?.step).toBe('worker w-1999');
    expect((kept?.steps.length ?? 0) + (kept?.stepsLeftOut ?? 0)).toBe(2001);
    // What was cut is cut no further by the next one who writes.
    expect(runText(kept ?? empty)).toBe(text);
  });

  it.each(['', '{', '[]', '{"schema":"nightlift.run/v2"}', 'null'])('is not read out of %j', (text) => {
    expect(parseRunHistory(text)).toBeUndefined();
  });
});
