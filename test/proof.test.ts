import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { proof } from './lab-night/proof.ts';
import { type Proven, provenWith, readProven } from './lab-night/proven.ts';
import { ResultLine } from './lab-night/run-settings.ts';
import { scenarios } from './lab-night/scenarios.ts';

const SHARES = {
  wall: 200_000,
  kubeadm: 90_000,
  packages: 4000,
  drain: 50_000,
  soak: 20_000,
  ready: 1000,
  own: 35_000,
};

function result(name: string, at: string, more: object = {}): ResultLine {
  return ResultLine.parse({ name, at, passed: true, seconds: 200, summary: 'as it was', shares: SHARES, ...more });
}

const BEFORE: Proven = {
  results: [
    result('ha', '2026-11-26', { lanes: 2 }),
    result('patch', '2026-11-26T16:17:00Z'),
    result('by-hand', '2026-11-26T16:21:00Z'),
    result('gone', '2026-11-26'),
  ],
  byHand: { night: result('patch', '2026-11-26T16:17:00Z'), hand: result('by-hand', '2026-11-26T16:21:00Z') },
};
const NAMES = ['ha', 'patch', 'by-hand', 'two'];

const here = (...results: readonly ResultLine[]) => new Map(results.map((one) => [one.name, one]));
const dates = ({ results }: Proven) => results.map(({ name, at }) => `${name} ${at}`);

describe('the proof', () => {
  it('that is in docs/ has what was kept, each row with its date', async () => {
    const [text, { results }] = [readFileSync('docs/proof.md', 'utf8'), await readProven()];
    const rows = results.map(({ name, passed, summary, at }) => ({
      name,
      end: `${passed ? `passed: ${summary}` : 'failed'} | ${at.slice(0, 10)} |`,
    }));
    const missing = rows.filter(
      ({ name, end }) => !text.split('\n').some((line) => line.startsWith(`| ${name} | `) && line.endsWith(end)),
    );
    // A night that was written since the proof was is in it when it has been played.
    const names = scenarios.map(({ name }) => name);
    expect(results.filter(({ name }) => !names.includes(name))).toEqual([]);
    expect(results.length).toBeGreaterThanOrEqual(22);
    expect(missing).toEqual([]);
  });

  it('keeps what it says of a scenario that has no result on this machine, and loses one that is no more', () => {
    expect(provenWith(BEFORE, here(), NAMES)).toEqual({ ...BEFORE, results: BEFORE.results.slice(0, 3) });
  });

  it('has the newer of two results, whichever machine it is from, and one that failed too', () => {
    const after = provenWith(
      BEFORE,
      here(
        result('ha', '2026-11-25T10:00:00Z'),
        result('patch', '2026-11-28T02:10:58.375Z', { passed: false }),
        result('two', '2026-11-28T00:49:20.910Z'),
      ),
      NAMES,
    );
    expect(dates(after)).toEqual([
      'ha 2026-11-26',
      'patch 2026-11-28T02:10:58.375Z',
      'by-hand 2026-11-26T16:21:00Z',
      'two 2026-11-28T00:49:20.910Z',
    ]);
    expect(after.results[1]?.passed).toBe(false);
  });

  it.each([
    ['by hand alone', '2026-11-26T16:21:00Z', []],
    ['by hand on another day', '2026-11-26T16:21:00Z', [result('patch', '2026-11-27T01:00:00Z')]],
    ['both in one stretch', '2026-11-28T02:15:00Z', [result('patch', '2026-11-28T02:10:00Z')]],
  ])('compares with what was measured %s: that of %s', (_, at, also) => {
    const after = provenWith(BEFORE, here(result('by-hand', '2026-11-28T02:15:00Z'), ...also), NAMES);
    expect(after.byHand?.hand.at).toBe(at);
  });

  it('has rows of every kept scenario with its date, its times and its comparison', () => {
    const proven = provenWith(BEFORE, here(result('two', '2026-11-28T00:49:20.910Z', { uses: ['x'] })), NAMES);
    const audit = { unused: [], refused: [], early: [], reasons: new Map<string, string>() };
    const text = proof(scenarios, proven, { lines: ['here'] }, audit, { date: '2026-11-27', rooms: [] });
    expect(text).toMatch(/^\| ha \| .* \| passed: as it was \| 2026-11-26 \|$/m);
    expect(text).toMatch(/^\| two \| .* \| passed: as it was \| 2026-11-28 \|$/m);
    expect(text).toMatch(/^\| ha \| +\| 200\.0 \| 90\.0 /m);
    expect(text).toContain('(`by-hand`, ended 2026-11-26 16:21 UTC)');
    expect(text).toContain('both ways; there is none of `ha`, `patch`, `by-hand`.');
  });
});
