import { describe, expect, it } from 'vitest';
import { surveyFindings } from '../../test/support/survey-findings.ts';
import { nodeClocks } from './node-clocks.ts';

describe('node-clocks', () => {
  it.each<[number | null, string[]]>([
    [0, []],
    [5, []],
    [-5, []],
    [6, ['ClockOff/warn worker-2 (6 s ahead)']],
    [-60, ['ClockOff/warn worker-2 (1 min behind)']],
    [61, ['ClockWrong/block worker-2 (1 min 1 s ahead)']],
    [-31_536_000, ['ClockWrong/block worker-2 (365 d behind)']],
    [null, ['ClockNotKnown/warn worker-2']],
  ])('of %j seconds says %j', (clockOffsetSeconds, want) => {
    const findings = surveyFindings(nodeClocks, { surveys: { 'worker-2': { clockOffsetSeconds } } });
    expect(
      findings.map(
        ({ reason, severity, message }) => `${reason}/${severity} ${/worker-2.*$/.exec(message)?.[0] ?? ''}`,
      ),
    ).toEqual(want);
  });
});
