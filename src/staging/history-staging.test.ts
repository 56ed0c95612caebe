import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { virtualClock } from '../../test/support/virtual-clock.ts';
import { HISTORY_SCHEMA, newRun, type RunHistory } from '../facts/run-history.ts';
import type { Fault } from '../rehearsal/services/fault.ts';
import { type FaultyHttpServer, startFaultyHttpServer } from '../rehearsal/services/faulty-http-server.ts';
import { createHistoryStaging, fetchHistory, stagingOf } from './history-staging.ts';

const signal = new AbortController().signal;
const NOW = Date.parse('2026-11-21T23:00:00Z');
const day = (number: number): string => `2026-11-${String(number).padStart(2, '0')}T23:00:00.000Z`;
const run = (target: string, from: string, number: number, fields: Partial<RunHistory> = {}): RunHistory => ({
  ...newRun(target, day(number)),
  from,
  outcome: 'complete',
  endedAt: day(number).replace('T23:00', 'T23:50'),
  ...fields,
});
const history = (fields: object = {}): string =>
  JSON.stringify({ schema: HISTORY_SCHEMA, at: day(21), runs: [run('1.36.4', '1.36.3', 10)], ...fields });

describe('staging by its history of runs', () => {
  let server: FaultyHttpServer;
  let body: string;
  beforeEach(async () => {
    body = history();
    server = await startFaultyHttpServer({ handle: () => ({ status: 200, body }) });
  });
  afterEach(() => server.close());
  const look = () =>
    createHistoryStaging({
      clock: virtualClock(NOW),
      ...fetchHistory(`${server.url}/history.json?token=secret`, 'test'),
    }).look(signal);

  it('has run a version since the run to it was complete', async () => {
    expect(await look()).toEqual({
      source: `${server.url}/history.json`,
      ran: [{ version: '1.36.4', from: day(10).replace('T23:00', 'T23:50'), to: null }],
      reds: [],
    });
  });

  it.each<[string, Fault, RegExp]>([
    ['a page', { kind: 'garbage' }, /it is no history of runs: .*Sign in/],
    ['nothing', { kind: 'empty' }, /it is no history of runs/],
    ['a redirect ring', { kind: 'redirect-ring' }, /ring/],
    ['a redirect to somebody else', { kind: 'redirect-foreign' }, /not on the list of allowed hosts/],
    ['an error', { kind: 'status', status: 404, body: 'gone' }, /HTTP 404 with .*gone/],
    ['half of it', { kind: 'truncated' }, /fetching/],
    ['ten megabytes', { kind: 'status', status: 200, body: 'x'.repeat(10_000_000) }, /larger than 8000000 bytes/],
  ])(
    'is unknown when the answer is %s, which is named without what is secret in the address',
    async (_title, fault, why) => {
      server.faults.inject(fault);
      const error: unknown = await look().catch((reason: unknown) => reason);
      expect(String(error)).toMatch(why);
      expect(String(error)).toContain(server.url);
      expect(String(error)).not.toContain('secret');
    },
  );

  it.each([
    ['is days old', { at: day(18) }, /not written last night: .* is more than 36 h ago here/],
    [
      'comes from the future',
      { at: '2028-01-01T00:00:00.000Z' },
      /is in the future here: one of the two clocks is wrong/,
    ],
    ['has another form', { schema: 'nightlift.history/v2' }, /it is no history of runs/],
    ['has runs that are none', { runs: [{ id: 'x' }] }, /it is no history of runs/],
  ])('is unknown when it %s', async (_title, fields, why) => {
    body = history(fields);
    await expect(look()).rejects.toThrow(why);
  });
});

describe('what runs say of the time between them', () => {
  const of = (...runs: readonly RunHistory[]) => {
    const { ran, reds } = stagingOf('x', runs);
    return [
      ran.map(({ version, to }) => `${version}${to === null ? '' : ` until ${to.slice(8, 10)}`}`),
      reds.map(({ what }) => what),
    ];
  };

  it('is nothing before the first one', () => {
    expect(of()).toEqual([[], []]);
  });

  it('goes from one that is complete to the next, in whatever order they are written', () => {
    expect(of(run('1.36.5', '1.36.4', 15), run('1.36.4', '1.36.3', 10))).toEqual([['1.36.4 until 15', '1.36.5'], []]);
  });

  it('is a way back when a run begins below what was complete', () => {
    const again = run('1.36.4', '1.36.3', 15, { outcome: 'running', endedAt: null });
    expect(of(run('1.36.4', '1.36.3', 10), again)).toEqual([['1.36.4 until 15', '1.36.3'], []]);
  });

  it('is red for a run that failed or was refused, and for no other', () => {
    const next = (outcome: RunHistory['outcome']) => run('1.36.5', '1.36.4', 15, { outcome });
    const first = run('1.36.4', '1.36.3', 10);
    expect(of(first, next('failed'))).toEqual([['1.36.4'], ['run 20261115-2300-1.36.5 failed']]);
    expect(of(first, next('blocked'))).toEqual([['1.36.4'], ['run 20261115-2300-1.36.5 was refused']]);
    for (const outcome of ['held', 'paused', 'running'] as const)
      expect(of(first, next(outcome))).toEqual([['1.36.4'], []]);
  });
});
